import type { JudgeContext } from '../../src/judging/judge-body.ts';

export function judgeContext(changes: Partial<JudgeContext> = {}): JudgeContext {
  return {
    credential: { keyId: 'k', scopes: ['events:write'], tenants: '*' },
    receivedFrom: '203.0.113.7',
    arrivalMs: Date.parse('2026-11-28T09:00:00Z'),
    idempotencyKey: 'makes ids repeat',
    isLenient: true,
    traceId: undefined,
    passedHeaders: { traceparent: '00-1' },
    form: { schemaId: 7, partitions: 12 },
    ...changes,
  };
}

export const goodEvent = { tenant_id: 'acme', action: 'user.created', actor: { type: 'user', id: 'u_1' } };

export function bodyOf(events: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ events }));
}
