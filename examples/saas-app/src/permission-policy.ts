import type { Role } from './store.ts';

export type Permission =
  'users.manage' | 'documents.read' | 'documents.write' | 'billing.manage' | 'support.impersonate';

const permissions: Record<Role, readonly Permission[]> = {
  admin: ['users.manage', 'documents.read', 'documents.write', 'billing.manage'],
  member: ['documents.read', 'documents.write'],
  viewer: ['documents.read'],
  support: ['support.impersonate'],
};

export function isAllowed(role: Role, permission: Permission): boolean {
  return permissions[role].includes(permission);
}
