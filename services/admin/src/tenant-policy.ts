import type { Decision, DirectoryReader, Tenant } from '@docket/directory';
import { isReserved } from '@docket/event';
import { DocketError, invalidField } from '@docket/runtime';

import type { PublicTenant } from './answer-schemas.ts';
import type { NewTenantBody } from './request-schemas.ts';

/** I8: the directory is held in memory by every process. */
const tenantsMax = 100_000;

/** Decides to create a tenant. Throws invalid_body for a reserved id, conflict for one that exists, limit_reached. */
export function decideNewTenant(directory: DirectoryReader, body: NewTenantBody, now: string): Decision<Tenant> {
  if (isReserved(body.id)) throw invalidField('/id', 'begins with docket., which is reserved');
  if (directory.tenant(body.id) !== undefined) throw new DocketError('conflict', `Tenant ${body.id} exists already.`);
  if (directory.tenants().length >= tenantsMax)
    throw new DocketError('limit_reached', `There are ${tenantsMax} tenants.`);
  const tenant: Tenant = { version: 1, kind: 'tenant', id: body.id, name: body.name ?? body.id, created_at: now };
  return { puts: [tenant], result: tenant };
}

export function toPublicTenant({ id, name, created_at }: Tenant): PublicTenant {
  return { id, name, created_at };
}
