import { mayActOn } from '@docket/directory';
import type { DirectoryReader } from '@docket/directory';
import { DocketError } from '@docket/runtime';
import type { ApiRouter } from '@docket/runtime';

import { reachOf, requireTenant } from '../access-policy.ts';
import { createTenant, getTenant, listTenants } from '../endpoints.ts';
import { entityTagOf } from '../entity-tag-policy.ts';
import { pageOf, readPageRequest } from '../page-policy.ts';
import { decideNewTenant, toPublicTenant } from '../tenant-policy.ts';
import { bodyOf, callerOf, changeDirectory, idOf, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

export function addTenantRoutes(router: ApiRouter, context: AdminContext): void {
  const { view } = context;

  router.add(createTenant, async (req, res) => {
    const caller = callerOf(context, req, createTenant.access);
    const body = await bodyOf(req, createTenant.body);
    requireTenant(caller, body.id);
    const decide = (directory: DirectoryReader) => decideNewTenant(directory, body, new Date().toISOString());
    const tenant = await changeDirectory(context, res, { kind: 'tenant', caller, decide });
    res
      .status(201)
      .location(`/v1/tenants/${encodeURIComponent(tenant.id)}`)
      .set('ETag', entityTagOf(tenant))
      .json(toPublicTenant(tenant));
  });

  router.add(listTenants, (req, res) => {
    const caller = callerOf(context, req, listTenants.access);
    const reach = reachOf(caller);
    const mine = view.tenants().filter(({ id }) => reach.tenant(id));
    sendPage(req, res, pageOf(mine, readPageRequest(req.query), toPublicTenant));
  });

  router.add(getTenant, (req, res) => {
    const caller = callerOf(context, req, getTenant.access);
    const tenant = view.tenant(idOf(req));
    if (tenant === undefined || !mayActOn(caller, tenant.id)) throw new DocketError('not_found', 'No such tenant.');
    res.set('ETag', entityTagOf(tenant)).json(toPublicTenant(tenant));
  });
}
