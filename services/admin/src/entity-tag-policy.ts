import { createHash } from 'node:crypto';

import type { Entity } from '@docket/directory';
import { DocketError } from '@docket/runtime';

/** The strong entity tag (RFC 9110 §8.8.3) of what the directory holds: it changes with every change, also of a secret, and says nothing about one. */
export function entityTagOf(entity: Entity): string {
  return `"${createHash('sha256').update(JSON.stringify(entity)).digest('base64url').slice(0, 22)}"`;
}

/**
 * Holds `If-Match` (RFC 9110 §13.1.1) against the entity as it is now; without the header, or with `*`, any will do. Decisions on the directory are made
 * one after another, so of two changes with the same tag one is made. Throws precondition_failed.
 */
export function requireMatch(ifMatch: string | undefined, entity: Entity): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  // A weak tag never matches here: it would let a change through that it does not know of.
  if (tags.includes(entityTagOf(entity))) return;
  throw new DocketError('precondition_failed', `The ${entity.kind} has changed since it had the ETag in If-Match.`);
}
