import { createHash } from 'node:crypto';
import type { RequestOrigin } from '@docket/event';
import type { Caller } from '../gate/reader-policy.ts';
import { boundEntry, type TrailEntry } from './trail-entry.ts';
import type { Reading, ReadingKind } from './reading.ts';

export function entryOfReading(kind: ReadingKind, reading: Reading, origin: RequestOrigin): TrailEntry {
  const { credential, log, asked, eventId, results } = reading;
  return boundEntry({ kind, log, ...whoOf(credential), asked, eventId, results, ...origin });
}

/** The same for readings that are told together: one credential, one log, one kind and one question. */
export function fingerprintOfReading(kind: ReadingKind, { credential, log, question }: Reading): string {
  const who = credential.token === null ? credential.keyId : `${credential.keyId}/${credential.token.id}`;
  return createHash('sha256')
    .update(JSON.stringify([kind, who, log, question]))
    .digest('base64url');
}

/** Who looks: the viewer that a token names, else the token, else the key. */
function whoOf({ keyId, token, view }: Caller): Pick<TrailEntry, 'actor' | 'credential'> {
  const credential = { key_id: keyId, view: view.kind };
  if (token === null) return { actor: { type: 'api_key', id: keyId }, credential };
  const actor = token.viewer ?? { type: 'viewer_token', id: token.id };
  return { actor, credential: { ...credential, token_id: token.id } };
}
