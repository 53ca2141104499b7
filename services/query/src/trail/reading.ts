import type { Caller } from '../gate/reader-policy.ts';

/** Ways of reading a log. The access trail tells each with an action of its own: `docket.log.<kind>`. */
export const readingKinds = [
  'searched',
  'counted',
  'event_viewed',
  'event_traced',
  'fed',
  'tailed',
  'exported',
  'ledger_read',
  'quarantine_listed',
  'redriven',
] as const;
export type ReadingKind = (typeof readingKinds)[number];

/** What was read of one log, by whom: what the access trail keeps of a request. */
export interface Reading {
  readonly credential: Caller;
  /** The log: a tenant id, `!p<partition>`, or `*`: that all logs were looked through. */
  readonly log: string;
  /** The same for the same question of a kind: of one credential it is told once in a while, and counted meanwhile. */
  readonly question: string;
  /** What was asked, by name; empty texts are left out. */
  readonly asked: Readonly<Record<string, string>>;
  /** The event that was asked for; null: no single one. */
  readonly eventId: string | null;
  /** How many things the answer shows; null: not known when it begins. */
  readonly results: number | null;
}
