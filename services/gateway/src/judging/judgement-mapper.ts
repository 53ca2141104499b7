import { rejectHeader } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';
import { DocketError } from '@docket/runtime';
import type { DocketErrorOptions, ErrorCode } from '@docket/runtime';

import type { PassedHeaders } from './event-record-mapper.ts';
import type { JudgedBody, JudgedEvent, Judgement } from './judge-body.ts';

/** A judgement as one thread tells it to another: few objects, and the bytes of all records in one piece, which is handed over and not copied. */
export type PackedJudgement =
  | {
      readonly ok: true;
      readonly isSingle: boolean;
      readonly quarantined: number;
      readonly answer: string;
      readonly ids: readonly string[];
      readonly tenantIds: readonly (string | undefined)[];
      /** The values of the records, one behind the other, and where each ends. */
      readonly values: Uint8Array;
      readonly ends: Uint32Array;
      readonly rejects: readonly PackedReject[];
    }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly options: DocketErrorOptions;
      readonly refusedEvents: number;
    };

/** What the record of an event that was set aside has beside its value. */
interface PackedReject {
  readonly index: number;
  readonly reason: Uint8Array;
  readonly partition: number | undefined;
}

export function packJudgement(judgement: Judgement): PackedJudgement {
  if (!judgement.ok) {
    const { error, refusedEvents } = judgement;
    const { errors, extensions } = error;
    const options = { ...(errors && { errors }), ...(extensions && { extensions }) };
    return { ok: false, code: error.code, message: error.message, options, refusedEvents };
  }
  const { events, ...others } = judgement.judged;
  const ends = new Uint32Array(events.length);
  let bytes = 0;
  events.forEach(({ record }, index) => {
    bytes += record.value?.length ?? 0;
    ends[index] = bytes;
  });
  const values = new Uint8Array(bytes);
  events.forEach(({ record }, index) => {
    if (record.value !== null) values.set(record.value, ends[index - 1] ?? 0);
  });
  return {
    ok: true,
    ...others,
    ids: events.map(({ id }) => id),
    tenantIds: events.map(({ tenantId }) => tenantId),
    values,
    ends,
    rejects: events.flatMap(({ record }, index) => {
      const reason = record.headers?.[rejectHeader];
      return reason === undefined ? [] : [{ index, reason: Buffer.from(reason), partition: record.partition }];
    }),
  };
}

/** @param passed the headers that records take from their request: known where this is read */
export function unpackJudgement(packed: PackedJudgement, passed: PassedHeaders | undefined): Judgement {
  if (!packed.ok) {
    const { code, message, options, refusedEvents } = packed;
    return { ok: false, error: new DocketError(code, message, options), refusedEvents };
  }
  const { isSingle, quarantined, answer, ids, tenantIds, values, ends } = packed;
  const rejects = new Map(packed.rejects.map((reject) => [reject.index, reject]));
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const events = ids.map((id, index): JudgedEvent => {
    const tenantId = tenantIds[index];
    const value = bytes.subarray(ends[index - 1] ?? 0, ends[index]);
    return { id, tenantId, record: recordOfPacked(value, { tenantId, passed, reject: rejects.get(index) }) };
  });
  const judged: JudgedBody = { isSingle, events, quarantined, answer };
  return { ok: true, judged };
}

function recordOfPacked(
  value: Buffer,
  {
    tenantId,
    passed,
    reject,
  }: { tenantId: string | undefined; passed: PassedHeaders | undefined; reject: PackedReject | undefined },
): PublishRecord {
  const key = tenantId ?? null;
  if (reject === undefined) return { key, value, ...(passed && { headers: passed }) };
  const headers = { ...passed, [rejectHeader]: Buffer.from(reject.reason) };
  const { partition } = reject;
  return { key, value, headers, ...(partition === undefined ? {} : { partition }) };
}
