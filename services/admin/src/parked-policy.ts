import { isAskedFor, parkedMax } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';
import { DocketError, invalidField } from '@docket/runtime';

import type { PublicParkedEvent } from './answer-schemas.ts';
import { pageOf } from './page-policy.ts';
import type { Page, PageRequest } from './page-policy.ts';
import type { ReplayBody } from './request-schemas.ts';

/** Numbers of 16 digits sort as their text does. */
const idOf = (seq: number): string => String(seq).padStart(16, '0');

export function parkedPage(events: readonly ParkedEvent[], request: PageRequest): Page<PublicParkedEvent> {
  return pageOf(
    events.map((parked) => ({ id: idOf(parked.seq), parked })),
    request,
    ({ parked }) => toPublicParked(parked),
  );
}

function toPublicParked(parked: ParkedEvent): PublicParkedEvent {
  return {
    seq: parked.seq,
    error: parked.error,
    answer_excerpt: parked.answerExcerpt,
    parked_at: new Date(parked.parkedAtMs).toISOString(),
    state: isAskedFor(parked) ? 'replaying' : 'parked',
  };
}

/** Decides which are asked for, or dismissed. Throws invalid_body for a seq that is not parked: nothing is done then. */
export function chosenParked(events: readonly ParkedEvent[], { seqs }: ReplayBody): readonly ParkedEvent[] {
  if (seqs === 'all') return events;
  const bySeq = new Map(events.map((parked) => [parked.seq, parked]));
  return seqs.map((seq, index) => {
    const parked = bySeq.get(seq);
    if (parked === undefined) throw invalidField(`/seqs/${index}`, `${seq} is not parked`);
    return parked;
  });
}

/** Reads the parameter `seqs`: `all`, or seqs with commas between them. It has to stand there: nothing is dismissed by a request that forgot it. Throws invalid_request. */
export function readSeqs(value: unknown): ReplayBody {
  if (value === 'all') return { seqs: 'all' };
  const texts = typeof value === 'string' ? value.split(',') : [];
  const seqs = new Set(texts.map((text) => (/^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN)));
  const isGiven = seqs.size > 0 && seqs.size <= parkedMax && seqs.size === texts.length;
  if (isGiven && [...seqs].every((seq) => Number.isSafeInteger(seq))) return { seqs: [...seqs] };
  throw new DocketError(
    'invalid_request',
    `The parameter seqs is "all", or 1 to ${parkedMax} seqs with commas between them.`,
  );
}
