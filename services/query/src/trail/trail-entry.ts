import { boundAsked, cutUserAgent, isPlainObject, type TypedId } from '@docket/event';
import { readingKinds, type ReadingKind } from './reading.ts';

/** One reading as it is spooled: all that its event says but the id and the time. */
export interface TrailEntry {
  readonly kind: ReadingKind;
  readonly log: string;
  readonly actor: TypedId;
  /** Of the credential: the key that was used, or that made the viewer token; which token; and what it may see. */
  readonly credential: Readonly<Record<string, string>>;
  readonly asked: Readonly<Record<string, string>>;
  readonly eventId: string | null;
  readonly results: number | null;
  readonly ip: string;
  readonly userAgent: string;
  readonly requestId: string;
}

/** The same with no more of its texts than its event says (I8): they come from a caller. */
export function boundEntry(entry: TrailEntry): TrailEntry {
  return { ...entry, asked: boundAsked(entry.asked), userAgent: cutUserAgent(entry.userAgent) };
}

/** What is left of it when its event is in Kafka: enough to tell repeats of it, which name that event. */
export function toldEntry(entry: TrailEntry): TrailEntry {
  return { ...entry, asked: {}, userAgent: '' };
}

/** Reads what `JSON.stringify` of an entry gave, and bounds it; null for anything else. */
export function parseTrailEntry(value: unknown): TrailEntry | null {
  if (!isPlainObject(value)) return null;
  const { kind, log, actor, credential, asked, eventId, results, ip, userAgent, requestId } = value;
  const known = readingKinds.find((one) => one === kind);
  if (known === undefined || !isPlainObject(actor) || !isTexts(credential) || !isTexts(asked)) return null;
  const { type, id } = actor;
  if (typeof log !== 'string' || typeof type !== 'string' || typeof id !== 'string') return null;
  if (typeof ip !== 'string' || typeof userAgent !== 'string' || typeof requestId !== 'string') return null;
  if (eventId !== null && typeof eventId !== 'string') return null;
  if (results !== null && typeof results !== 'number') return null;
  const entry = {
    kind: known,
    log,
    actor: { type, id },
    credential,
    asked,
    eventId,
    results,
    ip,
    userAgent,
    requestId,
  };
  return boundEntry(entry);
}

function isTexts(value: unknown): value is Record<string, string> {
  return isPlainObject(value) && Object.values(value).every((text) => typeof text === 'string');
}
