import { mayActOn } from '@docket/directory';
import type { DirectoryReader } from '@docket/directory';
import { DocketError } from '@docket/runtime';
import type { Router } from 'express';

import { requireTenant } from '../access-policy.ts';
import { pageOf, readPageRequest } from '../page-policy.ts';
import { newTenantBody } from '../request-schemas.ts';
import { decideNewTenant, toPublicTenant } from '../tenant-policy.ts';
import { bodyOf, callerOf, changeDirectory, idOf, sendPage } from './admin-context.ts';
import type { AdminContext } from './admin-context.ts';

export function addTenantRoutes(router: Router, context: AdminContext): void {
  const { view } = context;

  router.post('/v1/tenants', async (req, res) => {
    const caller = callerOf(context, req, ['admin']);
    const body = await bodyOf(req, newTenantBody);
    requireTenant(caller, body.id);
    const decide = (directory: DirectoryReader) => decideNewTenant(directory, body, new Date().toISOString());
    const tenant = await changeDirectory(context, res, { kind: 'tenant', name: 'tenant.created', caller, decide });
    res
      .status(201)
      .location(`/v1/tenants/${encodeURIComponent(tenant.id)}`)
      .json(toPublicTenant(tenant));
  });

  router.get('/v1/tenants', (req, res) => {
    const caller = callerOf(context, req, ['admin']);
    const mine = view.tenants().filter(({ id }) => mayActOn(caller, id));
    sendPage(req, res, pageOf(mine.map(toPublicTenant), readPageRequest(req.query)));
  });

  router.get('/v1/tenants/:id', (req, res) => {
    const caller = callerOf(context, req, ['admin']);
    const tenant = view.tenant(idOf(req));
    if (tenant === undefined || !mayActOn(caller, tenant.id)) throw new DocketError('not_found', 'No such tenant.');
    res.json(toPublicTenant(tenant));
  });
}
