import { grownBytes, halvedBytes } from './batch-size-policy.ts';
import type { Cursor } from './cursor-mapper.ts';
import { proceed, rest, settle } from './delivery-phases.ts';
import type { BatchPlace, DeliveryState, Effect, Input, Step } from './delivery-state.ts';
import { retryDelayMs } from './retry-policy.ts';
import { noneSkipped } from './skipped-counts.ts';

type Answered = Extract<Input, { type: 'answered' }>;

/** The part of delivery-machine that follows an answer: what a request came to, and what is done about it. */
export function answered(state: DeliveryState, batch: BatchPlace, input: Answered, nowMs: number): Step {
  const release: Effect = { type: 'release' };
  const save: Effect = { type: 'save', isUrgent: true };
  const { cursor } = state;
  switch (input.outcome.kind) {
    case 'delivered': {
      const moved: Cursor = {
        ...cursor,
        seq: batch.toSeq,
        eventSeq: batch.eventSeq,
        passed: noneSkipped,
        toldAtMs: nowMs,
        // A cut belongs to its seq: the old one says nothing about the new seq.
        offset: batch.offset,
        state: 'active',
        suspendedVersion: '',
        failingSinceMs: null,
        lastError: '',
      };
      const bytesLearned = batch.mayHaveMore ? grownBytes(state.bytesLearned, state.bytesMax) : state.bytesLearned;
      const next = { ...state, cursor: moved, trying: null, proofAtMs: null, failures: 0, bytesLearned };
      // What is known of a batch is from when it was first read: whatever came while it waited for its next try is behind it.
      const wasTriedBefore = state.trying !== null && state.trying.tries > 1;
      if (batch.mayHaveMore || wasTriedBefore) return proceed(next, [release, save]);
      return settle(next, input.jitter, nowMs, [release, save]);
    }
    case 'split':
      // One event is the least that can be sent: the receiver has to take it, and somebody to see to that.
      if (batch.eventCount <= 1) return failed(state, input, 'misconfigured', nowMs);
      return proceed({ ...state, trying: null, bytesLearned: halvedBytes(batch.bodyBytes) }, [release]);
    case 'retry':
    case 'misconfigured':
      return failed(state, input, input.outcome.kind, nowMs);
    case 'reject_event':
      return failed(state, input, 'misconfigured', nowMs);
    case 'gone': {
      const suspended: Cursor = {
        ...cursor,
        state: 'suspended',
        suspendedVersion: state.version,
        failingSinceMs: cursor.failingSinceMs ?? nowMs,
        lastError: input.error,
      };
      return { state: { ...state, cursor: suspended, phase: { name: 'suspended' } }, effects: [release, save] };
    }
  }
}

/** The same batch again, later. */
function failed(state: DeliveryState, input: Answered, outcome: 'retry' | 'misconfigured', nowMs: number): Step {
  const { cursor } = state;
  const failures = state.failures + 1;
  const failingSinceMs = cursor.failingSinceMs ?? nowMs;
  const failing: Cursor = { ...cursor, state: 'failing', failingSinceMs, lastError: input.error };
  const { retryAfterMs, jitter } = input;
  const delayMs = retryDelayMs({ outcome, failures, failingForMs: nowMs - failingSinceMs, retryAfterMs, jitter });
  const isNews = cursor.state !== failing.state || cursor.lastError !== failing.lastError;
  const release: Effect = { type: 'release' };
  const effects: Effect[] = isNews ? [release, { type: 'save', isUrgent: true }] : [release];
  return rest({ ...state, cursor: failing, failures }, nowMs + delayMs, effects);
}
