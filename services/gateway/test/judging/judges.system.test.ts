import { afterEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@docket/runtime';
import { hostileRequests } from '@docket/testkit';

import { judgeBody } from '../../src/judging/judge-body.ts';
import { createJudges } from '../../src/judging/judges.ts';
import type { Judges, JudgesOptions } from '../../src/judging/judges.ts';
import { bodyBytesMax } from '../../src/limits.ts';
import { bodyOf, goodEvent, judgeContext } from './judge-context.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const crashes: Error[] = [];
const running: Judges[] = [];

/** As the gateway makes them. */
const usual: JudgesOptions = {
  threads: 1,
  knownAmong: undefined,
  logger,
  onCrash: (error) => void crashes.push(error),
  // As long as it takes on a busy machine.
  waitMsMax: 60_000,
  threadFile: new URL('../../dist/judging/judge-thread.js', import.meta.url),
};

/** Everything goes to threads. */
function startJudges(options: Partial<JudgesOptions> = {}): Judges {
  const judges = createJudges({ ...usual, inPlaceBytesMax: 0, ...options });
  judges.start();
  running.push(judges);
  return judges;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((judges) => judges.stop()));
  expect(crashes).toEqual([]);
});

const many = bodyOf(Array.from({ length: 1_000 }, () => goodEvent));

/** Bodies within every limit of a document that become many times their bytes: of 1,000 events each may have 250 values. */
function largestInMemory(): [string, Buffer][] {
  const events = 1_000;
  const each = (value: (n: string) => unknown, count: number): Buffer =>
    bodyOf(
      Array.from({ length: events }, (_, event) => ({
        ...goodEvent,
        metadata: Object.fromEntries(
          Array.from({ length: count }, (__, n) => [`${event}_${n}`, value(`${event}_${n}`)]),
        ),
      })),
    );
  return [
    ['a quarter of a million values of their own', each((n) => `v${n}`, 240)],
    ['100,000 objects of another form each', each((n) => ({ [`m${n}`]: 1 }), 110)],
    ['100,000 arrays', each(() => [[]], 80)],
  ];
}

describe('judging threads', () => {
  test('say of every hostile body, and of good ones, what is said in place', async () => {
    const judges = startJudges({ threads: 2 });
    const bodies = hostileRequests({ authorization: '', tenantId: 'acme' }).flatMap(({ request: { chunks } }) => {
      const [first = ''] = chunks;
      const bytes = Buffer.from(first);
      return [bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)];
    });
    for (const isLenient of [true, false]) {
      const context = judgeContext({ isLenient });
      for (const body of [...bodies, many]) {
        const inPlace = await judgeBody(body, context, undefined);
        expect(await judges.judge('k', Buffer.from(body), context)).toEqual(inPlace);
      }
    }
  }, 120_000);

  test.each(largestInMemory())(
    'I8: have memory for %s',
    async (_what, body) => {
      const judges = startJudges();
      for (const isLenient of [true, false]) {
        const context = judgeContext({ isLenient });
        expect(body.length).toBeLessThanOrEqual(bodyBytesMax);
        // One behind the other, so that what the first one leaves is there.
        const judged = await Promise.all([0, 1].map(() => judges.judge('k', Buffer.from(body), context)));
        expect(judged.map(({ ok }) => ok)).toEqual([isLenient, isLenient]);
      }
    },
    120_000,
  );

  test('ask which tenants are known', async () => {
    const judges = startJudges({ knownAmong: (ids) => new Set([...ids].filter((id) => id === 'acme')) });
    const body = bodyOf([goodEvent, { ...goodEvent, tenant_id: 'nobody' }]);
    expect(await judges.judge('k', body, judgeContext({ isLenient: false }))).toMatchObject({
      ok: false,
      error: { code: 'unknown_tenant', errors: [{ pointer: '/events/1/tenant_id' }] },
    });
  });

  test('I7: who sends one body does not wait behind all those of another', async () => {
    const judges = startJudges();
    const done: string[] = [];
    const send = (owner: string) => judges.judge(owner, Buffer.from(many), judgeContext()).then(() => done.push(owner));
    const busy = Array.from({ length: 20 }, () => send('busy'));
    await Promise.all([...busy, send('other')]);
    // Behind those that the thread had, and one more.
    expect(done.indexOf('other')).toBeLessThanOrEqual(3);
  }, 60_000);

  test('I8: whose turn does not come in time is told to come again, and costs nothing', async () => {
    const judges = startJudges({ waitMsMax: 0 });
    const judged = await Promise.allSettled(
      Array.from({ length: 10 }, () => judges.judge('k', Buffer.from(many), judgeContext())),
    );
    const refused = judged.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const reason of refused) expect(reason).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
  }, 60_000);

  test('I7: hold up the thread that asks for a body that is plainly good, or small, and for no other', async () => {
    // Not started: what goes to a thread waits.
    const judges = createJudges(usual);
    const good = Array.from({ length: 1_000 }, () => goodEvent);
    const keys = Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [n.toString(36), 1]));
    const judge = (events: readonly unknown[]) => judges.judge('k', bodyOf(events), judgeContext({ isLenient: false }));
    expect(await judge(good)).toMatchObject({ ok: true });
    expect(await judge([{ ...goodEvent, action: 7 }])).toMatchObject({ ok: false, error: { code: 'invalid_event' } });
    const apart = Promise.allSettled([judge([{ ...goodEvent, metadata: keys }]), judge([...good, goodEvent])]);
    // All that they do in place is over by then.
    expect(await judge(good)).toMatchObject({ ok: true });
    await judges.stop();
    expect(await apart).toEqual(
      [0, 1].map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'overloaded' }) })),
    );
  });

  test('bodies that wait are refused when it stops', async () => {
    const judges = startJudges();
    const waiting = Array.from({ length: 10 }, () => judges.judge('k', Buffer.from(many), judgeContext()));
    const ends = Promise.allSettled(waiting);
    await judges.stop();
    expect((await ends).at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'overloaded' } });
  });
});
