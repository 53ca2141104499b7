import { describe, expect, test } from '@jest/globals';

import { judgeBody } from '../../src/judging/judge-body.ts';
import { packJudgement, unpackJudgement } from '../../src/judging/judgement-mapper.ts';
import { bodyOf, goodEvent, judgeContext } from './judge-context.ts';

/** A judgement as it arrives from another thread. */
async function sentAcross(body: Buffer, context = judgeContext()) {
  const judgement = await judgeBody(body, context, undefined);
  const packed = structuredClone(packJudgement(judgement));
  return { judgement, arrived: unpackJudgement(packed, context.passedHeaders) };
}

describe('a judgement between threads', () => {
  test('brings the records of good events and of those set aside as they were', async () => {
    const body = bodyOf([
      goodEvent,
      { ...goodEvent, tenant_id: 'beta', unknown_field: 1 },
      { ...goodEvent, action: 7 },
      'no event, of no tenant',
    ]);
    const { judgement, arrived } = await sentAcross(body);
    expect(judgement).toMatchObject({ ok: true, judged: { quarantined: 2 } });
    expect(arrived).toEqual(judgement);
  });

  test('brings records without headers of their request', async () => {
    const { judgement, arrived } = await sentAcross(bodyOf([goodEvent]), judgeContext({ passedHeaders: undefined }));
    const [record] = judgement.ok ? judgement.judged.events.map((event) => event.record) : [];
    expect(arrived).toMatchObject({ judged: { events: [{ record: { key: 'acme', value: record?.value } }] } });
  });

  test('brings a refusal with every error and how many events it is of', async () => {
    const { judgement, arrived } = await sentAcross(
      bodyOf([goodEvent, { ...goodEvent, action: 7 }]),
      judgeContext({ isLenient: false }),
    );
    expect(arrived).toEqual(judgement);
    expect(arrived).toMatchObject({
      ok: false,
      refusedEvents: 2,
      error: { code: 'invalid_event', errors: [{ pointer: '/events/1/action' }] },
    });
  });
});
