/**
 * A receiver, and the searches of a SIEM, as somebody would write them who has docs/delivery.md and docs/delivery-sinks.md alone: what they keep of
 * deliveries, and what they take for missing. They share no code with the sender.
 */

export interface KeptEvent {
  readonly id: string;
  readonly seq: number;
  readonly prevSeq: number;
  readonly hasReplay: boolean;
}

/** Seqs behind the first and up to the second, both included in what is missing. */
export type Gap = readonly [from: number, to: number];

export interface ReceiverAccount {
  /** Each once, in the order of arrival. */
  readonly events: readonly KeptEvent[];
  /** Ranges that no batch has accounted for. */
  readonly gaps: readonly Gap[];
}

/** What a receiver of batches keeps of the bodies that it took, in any order and however often. */
export function receiveByTheDocs(bodies: readonly unknown[]): ReceiverAccount {
  const events = new Map<string, KeptEvent>();
  const told: { readonly prevToSeq: number; readonly toSeq: number }[] = [];
  for (const body of bodies) {
    const { type, data } = membersOf(body);
    if (type !== 'audit.batch') continue;
    const { batch, replay, events: sent } = membersOf(data);
    for (const event of Array.isArray(sent) ? sent : []) {
      const kept = keptOf(event);
      const name = `${kept.seq} ${kept.id}`;
      if (!events.has(name)) events.set(name, kept);
    }
    if (replay !== undefined) continue;
    const { prev_to_seq: prevToSeq, to_seq: toSeq } = membersOf(batch);
    told.push({ prevToSeq: Number(prevToSeq), toSeq: Number(toSeq) });
  }
  told.sort((one, other) => one.prevToSeq - other.prevToSeq);
  const gaps: Gap[] = [];
  let reached = told[0]?.prevToSeq ?? 0;
  for (const { prevToSeq, toSeq } of told) {
    if (prevToSeq > reached) gaps.push([reached + 1, prevToSeq]);
    reached = Math.max(reached, toSeq);
  }
  return { events: [...events.values()], gaps };
}

/** Every event that arrived, as often as it did: rows of an index. */
export function rowsByTheDocs(bodies: readonly unknown[]): KeptEvent[] {
  return bodies.flatMap((body) => {
    const { events } = membersOf(membersOf(body)['data']);
    return (Array.isArray(events) ? events : []).map(keptOf);
  });
}

/** The numbers that the queries of docs/delivery-sinks.md find in an index: SPL and KQL, and ES|QL over what is stored once for each `_id`. */
export function gapsByTheQueries(rows: readonly KeptEvent[]): { readonly spl: number[]; readonly esql: number[] } {
  const events = rows.filter(({ seq }) => seq > 0);
  const chained = events.filter(({ hasReplay }) => !hasReplay);
  const first = Math.min(...chained.map(({ seq }) => seq));
  const stored = [...new Map(events.toReversed().map((event) => [`${event.id}:${event.seq}`, event])).values()];
  const here = new Set(events.map(({ seq }) => seq));
  const missing = (named: readonly KeptEvent[], above: number): number[] =>
    [...new Set(named.map(({ prevSeq }) => prevSeq))]
      .filter((seq) => seq > above && !here.has(seq))
      .sort((one, other) => one - other);
  return {
    spl: missing(chained, first),
    esql: missing(
      stored.filter(({ hasReplay }) => !hasReplay),
      0,
    ),
  };
}

function keptOf(event: unknown): KeptEvent {
  const { id, seq, prev_seq: prevSeq, replay } = membersOf(event);
  return { id: String(id), seq: Number(seq), prevSeq: Number(prevSeq), hasReplay: replay !== undefined };
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
