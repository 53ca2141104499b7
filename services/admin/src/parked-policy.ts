import { isAskedFor } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';
import { invalidField } from '@docket/runtime';

import type { PublicParkedEvent } from './answer-schemas.ts';
import { pageOf } from './page-policy.ts';
import type { Page, PageRequest } from './page-policy.ts';
import type { ReplayBody } from './request-schemas.ts';

/** Numbers of 16 digits sort as their text does. */
const idOf = (seq: number): string => String(seq).padStart(16, '0');

export function parkedPage(events: readonly ParkedEvent[], request: PageRequest): Page<PublicParkedEvent> {
  const { data, next_cursor } = pageOf(
    events.map((parked) => ({ id: idOf(parked.seq), parked })),
    request,
  );
  return { data: data.map(({ parked }) => toPublicParked(parked)), next_cursor };
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

/** Decides which are asked for. Throws invalid_body for a seq that is not parked: nothing is asked for then. */
export function chosenParked(events: readonly ParkedEvent[], { seqs }: ReplayBody): readonly ParkedEvent[] {
  if (seqs === 'all') return events;
  const bySeq = new Map(events.map((parked) => [parked.seq, parked]));
  return seqs.map((seq, index) => {
    const parked = bySeq.get(seq);
    if (parked === undefined) throw invalidField(`/seqs/${index}`, `${seq} is not parked`);
    return parked;
  });
}
