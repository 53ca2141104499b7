import { randomBytes } from 'node:crypto';
import type { EventRow } from '@docket/event';

const kibibyte = 1024;
const text = (bytes: number): string => randomBytes(bytes / 2).toString('hex');

/** Content of an event near the limit of 256 KiB: all the metadata that there may be, and changes. */
export function largeContent(): Pick<EventRow, 'metadata' | 'changes.path' | 'changes.old' | 'changes.new'> {
  const changes = Array.from({ length: 16 }, () => JSON.stringify(text(7 * kibibyte)));
  return {
    metadata: Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`key_${index}`, text(2 * kibibyte)])),
    'changes.path': changes.map((_, index) => `path.${index}`),
    'changes.old': changes.map(() => null),
    'changes.new': changes,
  };
}
