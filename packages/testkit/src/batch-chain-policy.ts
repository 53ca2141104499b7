/**
 * The oracle for deliveries: what a receiver can prove from the bodies alone. Written from the envelope's description and sharing no code with the
 * sender, so that a mistake there is not repeated here.
 */

export interface ChainEvent {
  readonly seq: number;
  readonly id: string;
}

export interface ChainReport {
  /** Empty when the chain is whole. Each names the batch by its place. */
  readonly problems: readonly string[];
  /** Every event once, in seq order. */
  readonly events: readonly ChainEvent[];
  /** prev_to_seq of the first batch and the highest to_seq: the range that is accounted for. Null without batches. */
  readonly range: { readonly afterSeq: number; readonly toSeq: number } | null;
  /** Sum of all `skipped` counts of the batches that advanced the chain. */
  readonly skipped: number;
  /** Events that came tagged, outside the chain, in the order in which they came. */
  readonly replayed: readonly ChainEvent[];
}

export interface ChainRules {
  /** After a crash of the sender a range may come again; receivers keep each event once. Default false: nothing comes twice. */
  readonly mayOverlap?: boolean;
}

interface Batch {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly prevToSeq: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly count: number;
  readonly skipped: number;
  readonly events: readonly ChainEvent[];
  readonly isReplay: boolean;
}

/**
 * Checks the bodies of one subscription, parsed from JSON, in the order in which they were acknowledged:
 * from_seq = prev_to_seq + 1; count = number of events; count + Σ skipped = to_seq − prev_to_seq; events inside the range in rising seq;
 * each batch begins where the one before ended; a seq never changes its id; one tenant, one subscription. A replay is tagged and stands beside the chain.
 */
export function checkBatchChain(bodies: readonly unknown[], rules: ChainRules = {}): ChainReport {
  const problems: string[] = [];
  const idBySeq = new Map<number, string>();
  let beganAfterSeq: number | undefined;
  let reachedSeq: number | undefined;
  let skipped = 0;
  const replayed: ChainEvent[] = [];
  let first: Batch | null = null;
  for (const [index, body] of bodies.entries()) {
    const note = (problem: string) => problems.push(`batch ${index}: ${problem}`);
    const batch = readBatch(body);
    if (typeof batch === 'string') {
      note(batch);
      continue;
    }
    first ??= batch;
    for (const problem of [...ownProblems(batch), ...identityProblems(batch, first)]) note(problem);
    if (batch.isReplay) {
      replayed.push(...batch.events);
      continue;
    }
    for (const { seq, id } of batch.events) {
      if ((idBySeq.get(seq) ?? id) !== id) note(`seq ${seq} was ${idBySeq.get(seq)} and is now ${id}`);
      idBySeq.set(seq, id);
    }
    const link = linkProblem(batch, reachedSeq, rules.mayOverlap ?? false);
    if (link !== null) note(link);
    if (reachedSeq === undefined || batch.toSeq > reachedSeq) skipped += batch.skipped;
    beganAfterSeq ??= batch.prevToSeq;
    reachedSeq = Math.max(reachedSeq ?? batch.prevToSeq, batch.toSeq);
  }
  const events = [...idBySeq].map(([seq, id]) => ({ seq, id })).sort((a, b) => a.seq - b.seq);
  const range =
    beganAfterSeq === undefined || reachedSeq === undefined ? null : { afterSeq: beganAfterSeq, toSeq: reachedSeq };
  return { problems, events, range, skipped, replayed };
}

function ownProblems(batch: Batch): string[] {
  const problems: string[] = [];
  const { prevToSeq, fromSeq, toSeq, count, events } = batch;
  if (fromSeq !== prevToSeq + 1) problems.push(`from_seq ${fromSeq} is not prev_to_seq ${prevToSeq} + 1`);
  if (toSeq < prevToSeq) problems.push(`to_seq ${toSeq} is below prev_to_seq ${prevToSeq}`);
  if (count !== events.length) problems.push(`count ${count} but ${events.length} events`);
  if (count + batch.skipped !== toSeq - prevToSeq) {
    problems.push(`count ${count} + skipped ${batch.skipped} is not to_seq ${toSeq} - prev_to_seq ${prevToSeq}`);
  }
  let last = fromSeq - 1;
  for (const { seq } of events) {
    if (seq <= last) problems.push(`seq ${seq} does not follow ${last}`);
    if (seq > toSeq) problems.push(`seq ${seq} is beyond to_seq ${toSeq}`);
    last = seq;
  }
  return problems;
}

function identityProblems(batch: Batch, first: Batch): string[] {
  const problems: string[] = [];
  if (batch.tenantId !== first.tenantId) problems.push(`tenant ${batch.tenantId} among those of ${first.tenantId}`);
  if (batch.subscriptionId !== first.subscriptionId) problems.push(`subscription ${batch.subscriptionId} is another`);
  return problems;
}

function linkProblem(batch: Batch, reachedSeq: number | undefined, mayOverlap: boolean): string | null {
  if (reachedSeq === undefined || batch.prevToSeq === reachedSeq) return null;
  if (batch.prevToSeq > reachedSeq) return `begins after ${batch.prevToSeq}, but only ${reachedSeq} was reached: a gap`;
  return mayOverlap ? null : `begins after ${batch.prevToSeq}, which was reached before (${reachedSeq})`;
}

/** The batch of a body, or what keeps it from being one. */
function readBatch(body: unknown): Batch | string {
  if (!isRecord(body) || body['type'] !== 'audit.batch') return 'is no audit.batch';
  const { data } = body;
  if (!isRecord(data) || !isRecord(data['batch']) || !Array.isArray(data['events']))
    return 'lacks data.batch or data.events';
  const { batch } = data;
  const counts = isRecord(batch['skipped']) ? Object.values(batch['skipped']) : [];
  const numbers = [batch['prev_to_seq'], batch['from_seq'], batch['to_seq'], batch['count'], ...counts];
  if (!numbers.every((value) => Number.isSafeInteger(value) && Number(value) >= 0)) return 'has a number that is none';
  const events = data['events'].map(readEvent);
  if (!events.every((event) => event !== null)) return 'has an event without seq or id';
  const [prevToSeq = 0, fromSeq = 0, toSeq = 0, count = 0, ...skippedCounts] = numbers.map(Number);
  return {
    subscriptionId: String(data['subscription_id']),
    tenantId: String(data['tenant_id']),
    prevToSeq,
    fromSeq,
    toSeq,
    count,
    skipped: skippedCounts.reduce((sum, value) => sum + value, 0),
    events,
    isReplay: data['replay'] !== undefined,
  };
}

function readEvent(event: unknown): ChainEvent | null {
  if (!isRecord(event) || typeof event['id'] !== 'string') return null;
  const seq = Number(event['seq']);
  return Number.isSafeInteger(seq) && seq > 0 ? { seq, id: event['id'] } : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
