import { hashPassword } from './passwords.ts';
import type { Role, Store } from './store.ts';

export interface SeedUser {
  id: string;
  organisationId: string;
  email: string;
  name: string;
  role: Role;
}

/** Two customers and the company's own support staff. */
export const seedOrganisations = [
  { id: 'acme', name: 'Acme Inc.', plan: 'pro', seats: 10 },
  { id: 'globex', name: 'Globex Corp.', plan: 'free', seats: 3 },
  { id: 'vendor', name: 'The vendor', plan: 'enterprise', seats: 50 },
] as const;

export const seedUsers: readonly SeedUser[] = [
  { id: 'u_jane', organisationId: 'acme', email: 'jane@acme.example', name: 'Jane Doe', role: 'admin' },
  { id: 'u_bob', organisationId: 'acme', email: 'bob@acme.example', name: 'Bob Ray', role: 'member' },
  { id: 'u_hank', organisationId: 'globex', email: 'hank@globex.example', name: 'Hank Scorpio', role: 'admin' },
  { id: 'u_vera', organisationId: 'globex', email: 'vera@globex.example', name: 'Vera Lin', role: 'viewer' },
  { id: 'u_sam', organisationId: 'vendor', email: 'sam@vendor.example', name: 'Sam Support', role: 'support' },
];

/** Fills an empty store; every seeded user has the given password. */
export async function seed(store: Store, password: string): Promise<void> {
  const passwordHash = await hashPassword(password);
  for (const organisation of seedOrganisations) store.organisations.set(organisation.id, { ...organisation });
  for (const user of seedUsers) store.users.set(user.id, { ...user, passwordHash });
}
