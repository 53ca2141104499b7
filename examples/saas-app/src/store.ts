import { randomUUID } from 'node:crypto';

export const roles = ['admin', 'member', 'viewer', 'support'] as const;
export type Role = (typeof roles)[number];
export const plans = ['free', 'pro', 'enterprise'] as const;
export type Plan = (typeof plans)[number];

export interface Organisation {
  id: string;
  name: string;
  plan: Plan;
  seats: number;
}

export interface User {
  id: string;
  organisationId: string;
  email: string;
  name: string;
  role: Role;
  /** Empty until an invited user has set a password: nothing equals it. */
  passwordHash: string;
}

export interface Document {
  id: string;
  organisationId: string;
  ownerId: string;
  title: string;
  body: string;
}

export interface Session {
  /** Shown in the log; the token that the client holds is another value. */
  id: string;
  token: string;
  /** Whose data the session works on. */
  organisationId: string;
  /** Who signed in. */
  userId: string;
  /** Whom a support session acts for. */
  actingForId: string | undefined;
}

/** The application's data, in memory: it is an example, and is gone when the process ends. */
export interface Store {
  organisations: Map<string, Organisation>;
  users: Map<string, User>;
  documents: Map<string, Document>;
  /** By token. */
  sessions: Map<string, Session>;
  userByEmail(organisationId: string, email: string): User | undefined;
}

export function createStore(): Store {
  const users = new Map<string, User>();
  return {
    organisations: new Map(),
    users,
    documents: new Map(),
    sessions: new Map(),
    userByEmail: (organisationId, email) =>
      [...users.values()].find((user) => user.organisationId === organisationId && user.email === email),
  };
}

export function newId(prefix: 'u' | 'd' | 's'): string {
  return `${prefix}_${randomUUID()}`;
}
