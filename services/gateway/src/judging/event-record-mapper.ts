import { frameAvro, partitionOf, rejectHeader } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';

import type { BadEvent, GoodEvent, Verdict } from './event-verdict-policy.ts';
import { rejectBytesMax } from '../limits.ts';

/** How events are written: the schema's id in the registry, and the recorded partition count. */
export interface RecordForm {
  readonly schemaId: number;
  readonly partitions: number;
}

/** Headers that a record takes from its request, such as traceparent. */
export type PassedHeaders = Readonly<Record<string, string>>;

/** The Kafka record of a judged event: Avro under its tenant, or, when it is bad, raw JSON with the reason in a header. */
export function recordOf(verdict: Verdict, form: RecordForm, passed: PassedHeaders = {}): PublishRecord {
  return verdict.kind === 'good'
    ? recordOfGood(verdict, form.schemaId, passed)
    : recordOfBad(verdict, form.partitions, passed);
}

function recordOfGood({ tenantId, body }: GoodEvent, schemaId: number, headers: PassedHeaders): PublishRecord {
  return { key: tenantId, value: frameAvro(schemaId, body), headers };
}

/** The reader cuts a reason to as many characters. */
const reasonCharsMax = 512;

function recordOfBad(
  { id, code, errors, input, tenantId }: BadEvent,
  partitions: number,
  passed: PassedHeaders,
): PublishRecord {
  const raw = Buffer.from(JSON.stringify(input));
  const isWhole = raw.length <= rejectBytesMax;
  const cut = isWhole ? '' : `; the first ${rejectBytesMax} of ${raw.length} bytes are kept`;
  const fields = errors.map(({ pointer, detail }) => `${pointer} ${detail}`.trim()).join('; ');
  const reason = `${`${code}: ${fields}`.slice(0, reasonCharsMax - cut.length)}${cut}`;
  return {
    value: isWhole ? raw : raw.subarray(0, rejectBytesMax),
    headers: { ...passed, [rejectHeader]: Buffer.from(reason) },
    // Without a tenant it goes to a stray log, for operators alone; the id spreads such records.
    ...(tenantId === undefined ? { key: null, partition: partitionOf(id, partitions) } : { key: tenantId }),
  };
}
