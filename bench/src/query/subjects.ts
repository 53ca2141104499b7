import type { FilledLog } from './fill-log.ts';
import type { Subject } from './questions.ts';

/** Whom questions are asked about, the next one each time. */
export interface Subjects {
  /** A tenant of the thousand. */
  any(index: number): Subject;
  largest(index: number): Subject;
  /** RFC 3339: just behind the newest event. */
  readonly end: string;
}

const samplesCount = 200;

/** Picks tenants and events from a filled log; the same ones for the same source of numbers. */
export async function readSubjects({ clickhouse, tenants }: FilledLog, random: () => number): Promise<Subjects> {
  const below = (n: number): number => Math.floor(random() * n);
  const [newest] = await clickhouse.query<{ end: number }>(
    "SELECT toUnixTimestamp64Milli(max(occurred_at)) + 1000 AS end FROM audit_events WHERE startsWith(tenant_id, 'tenant-')",
  );
  const end = new Date(newest?.end ?? 0).toISOString();

  async function sampleOf(number: number): Promise<Subject> {
    const { tenantId, actors, rows: own } = tenants[number] ?? { tenantId: '', actors: 1, rows: 1 };
    const seq = 1 + below(own);
    const [found] = await clickhouse.query<{ id: string; at: number }>(
      'SELECT toString(id) AS id, toUnixTimestamp64Milli(occurred_at) AS at FROM audit_events WHERE tenant_id = {tenantId:String} AND seq = {seq:UInt64}',
      { tenantId, seq },
    );
    if (found === undefined) throw new Error(`${tenantId} has no seq ${seq}`);
    const sample = { id: found.id, seq, occurredAt: new Date(found.at).toISOString() };
    return { tenantId, actors, below, sample, end, rows: own };
  }
  const anySamples: Subject[] = [];
  const largestSamples: Subject[] = [];
  for (let index = 0; index < samplesCount; index += 1) {
    anySamples.push(await sampleOf(below(tenants.length)));
    largestSamples.push(await sampleOf(0));
  }
  const pick = (samples: readonly Subject[], index: number): Subject => {
    const subject = samples[index % samples.length];
    if (subject === undefined) throw new Error('there are no samples');
    return subject;
  };
  return { any: (index) => pick(anySamples, index), largest: (index) => pick(largestSamples, index), end };
}
