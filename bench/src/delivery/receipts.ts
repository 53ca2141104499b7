import type { Counts } from './receiver-protocol.ts';

/** What arrived at numbered endpoints, judged at once: the first receipts of an endpoint must have seq 1, 2, 3, … (nothing is filtered here). */
export interface Receipts {
  /** Notes the events of a body; gives the seq of the last. */
  note(endpoint: number, tenant: number, body: Buffer, arrivedAtMs: number): number;
  acknowledge(endpoint: number, toSeq: number): void;
  problem(what: string): void;
  counts(from: number, to: number): Counts;
  /** All first receipts; see `dump` of the protocol. */
  bytes(): Buffer;
}

/** In the middle of each event's id, between the numbers of its tenant and of itself (DeliveryLoad.java). */
const idMark = Buffer.from('-0000-7000-8000-');
const seqMark = Buffer.from('"seq":');
const countMark = Buffer.from('"count":');
const receiptBytes = 16;

export function createReceipts(): Receipts {
  const lastSeq: number[] = [];
  const acknowledged: number[] = [];
  let log = Buffer.alloc(1 << 20);
  let logged = 0;
  let repeated = 0;
  let problems = 0;
  let firstProblem = '';

  const problem = (what: string): void => {
    problems += 1;
    if (firstProblem === '') firstProblem = what;
  };
  const keep = (endpoint: number, seq: number, arrivedAtMs: number): void => {
    if (logged + receiptBytes > log.length) log = Buffer.concat([log, Buffer.alloc(log.length)]);
    log.writeInt32BE(endpoint, logged);
    log.writeInt32BE(seq, logged + 4);
    log.writeDoubleBE(arrivedAtMs, logged + 8);
    logged += receiptBytes;
  };

  return {
    note: (endpoint, tenant, body, arrivedAtMs) => {
      let last = lastSeq[endpoint] ?? 0;
      let seq = 0;
      let events = 0;
      for (let at = body.indexOf(idMark); at >= 0; at = body.indexOf(idMark, at + idMark.length)) {
        const owner = hexadecimal(body, at - 8, at);
        const number = hexadecimal(body, at + idMark.length, at + idMark.length + 12);
        seq = numberAfter(body, seqMark, at);
        events += 1;
        if (owner !== tenant || number !== seq)
          problem(`endpoint ${endpoint}: event ${number} of tenant ${owner} came as seq ${seq} of tenant ${tenant}`);
        if (seq <= last) {
          repeated += 1;
          continue;
        }
        if (seq !== last + 1) problem(`endpoint ${endpoint}: seq ${seq} came after ${last}`);
        last = seq;
        keep(endpoint, seq, arrivedAtMs);
      }
      lastSeq[endpoint] = last;
      const stated = body.indexOf(countMark) < 0 ? 1 : numberAfter(body, countMark, 0);
      if (stated !== events) problem(`endpoint ${endpoint}: a batch of ${stated} events has ${events}`);
      return seq;
    },
    acknowledge: (endpoint, toSeq) => {
      acknowledged[endpoint] = Math.max(acknowledged[endpoint] ?? 0, toSeq);
    },
    problem,
    counts: (from, to) => {
      let received = 0;
      let taken = 0;
      for (let endpoint = from; endpoint < to; endpoint += 1) {
        received += lastSeq[endpoint] ?? 0;
        taken += acknowledged[endpoint] ?? 0;
      }
      return { received, acknowledged: taken, repeated, problems, firstProblem };
    },
    bytes: () => log.subarray(0, logged),
  };
}

function numberAfter(body: Buffer, mark: Buffer, from: number): number {
  let value = 0;
  for (let at = body.indexOf(mark, from) + mark.length; ; at += 1) {
    const digit = (body[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}

/** Of digits in lower case. */
function hexadecimal(body: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const byte = body[at] ?? 0;
    value = value * 16 + (byte < 0x3a ? byte - 0x30 : byte - 0x57);
  }
  return value;
}
