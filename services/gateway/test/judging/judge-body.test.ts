import { describe, expect, test } from '@jest/globals';
import { toWireEvent } from '@docket/event';

import { createChance, eventFrom, type Chance } from '../../../../packages/event/test/event-maker.ts';
import { spoil } from '../../../../packages/event/test/spoil-event.ts';
import { acceptQuickly, judgeThoroughly } from '../../src/judging/judge-body.ts';
import type { JudgeContext, Judgement } from '../../src/judging/judge-body.ts';
import { goodEvent, judgeContext } from './judge-context.ts';

const context = judgeContext();
const judgedBoth = async (body: string | Buffer, changes: Partial<JudgeContext> = {}) => {
  const bytes = Buffer.from(body);
  const within = { ...context, ...changes };
  return {
    quick: await acceptQuickly(bytes, within, undefined),
    thorough: await judgeThoroughly(bytes, within, undefined),
  };
};

/** The members of every object in another order. */
function shuffled(chance: Chance, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => shuffled(chance, item));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, inner]) => ({
    name,
    inner: shuffled(chance, inner),
    place: chance.next(),
  }));
  return Object.fromEntries(members.toSorted((a, b) => a.place - b.place).map(({ name, inner }) => [name, inner]));
}

/** The value without what the fast path leaves to others: escapes, keys like numbers, objects within changes. */
function plain(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return value.replaceAll(/["\\]|\p{Cc}/gu, 'x').toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if ((name === 'old' || name === 'new') && JSON.stringify(value).includes('{')) return 'an object';
  if (Array.isArray(value)) return value.map((item: unknown) => plain(item));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.replace(/^(?=[0-9_])/, 'k'), plain(inner, key)]),
  );
}

const pieces = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '-',
  ' ',
  '1e3',
  't',
  'null',
  '\0',
  '\n',
  'é',
  '.',
  'docket.',
  '__',
] as const;

/** The text with something put in, taken out or repeated somewhere. */
function damaged(chance: Chance, text: string): string {
  const at = chance.upTo(text.length);
  const to = Math.min(text.length, at + chance.upTo(12));
  const middle = chance.pick([chance.pick(pieces), '', text.slice(at, to).repeat(2)]);
  return `${text.slice(0, at)}${middle}${text.slice(chance.onceIn(2) ? at : to)}`;
}

function bodyFrom(chance: Chance): string {
  const inputs = Array.from({ length: 1 + chance.upTo(2) }, () => {
    const made = structuredClone(toWireEvent(eventFrom(chance, 'acme', context.arrivalMs)));
    const wire = Object(chance.onceIn(8) ? made : plain(made));
    if (chance.onceIn(3)) Reflect.deleteProperty(wire, 'id');
    if (chance.onceIn(4))
      Reflect.set(wire, 'metadata', { seats: chance.upTo(9), rate: 2.5, isPaid: true, plan: 'pro' });
    if (chance.onceIn(8)) spoil(chance, wire);
    return chance.onceIn(3) ? shuffled(chance, wire) : wire;
  });
  const space = chance.pick([0, 0, 1]);
  const text = chance.onceIn(3)
    ? JSON.stringify(inputs[0], null, space)
    : JSON.stringify({ events: inputs }, null, space);
  return chance.onceIn(6) ? damaged(chance, text) : text;
}

describe('a body that is plainly good', () => {
  test('becomes, byte for byte, what it would be if it were parsed and judged', async () => {
    const chance = createChance(20261128);
    let accepted = 0;
    for (let n = 0; n < 2_500; n += 1) {
      const body = bodyFrom(chance);
      const traceId = chance.onceIn(2) ? '0af7651916cd43dd8448eb211c80319c' : undefined;
      const tenants = chance.onceIn(2) ? ['acme'] : ('*' as const);
      const credential = { ...context.credential, tenants };
      const { quick, thorough } = await judgedBoth(body, { traceId, credential, isLenient: chance.onceIn(2) });
      if (quick === undefined) continue;
      accepted += 1;
      if (!isSame(quick, thorough)) throw new Error(`${JSON.stringify(thorough)} ${JSON.stringify(quick)}: ${body}`);
    }
    expect(accepted).toBeGreaterThan(700);
  });

  test.each([
    ['at the bound', 0, true],
    ['beyond it', 1, false],
  ])(
    'an event is taken up to five minutes before what the log takes, 24 h ahead: %s',
    async (_name, moreMs, isTaken) => {
      const occurredAt = new Date(context.arrivalMs + (24 * 60 - 5) * 60_000 + moreMs).toISOString();
      const body = JSON.stringify({ ...goodEvent, occurred_at: occurredAt });
      const { quick, thorough } = await judgedBoth(body, { isLenient: false });
      expect([quick !== undefined, thorough.ok]).toEqual([isTaken, isTaken]);
    },
  );

  test.each([
    ['the shortest event', JSON.stringify(goodEvent)],
    ['white space', `\n{ "events" : [ ${JSON.stringify(goodEvent, null, 2)} ,\t${JSON.stringify(goodEvent)} ] }\r\n`],
    [
      'empty lists, maps and texts',
      JSON.stringify({
        ...goodEvent,
        resources: [],
        changes: [],
        metadata: {},
        context: { ip: '', trace_id: '' },
        source: {},
      }),
    ],
    [
      'numbers',
      JSON.stringify({ ...goodEvent, metadata: { a: 1, b: -1, c: 0.5, d: 1.5e-7, e: 999_999_999_999_999, f: -0.25 } }),
    ],
    [
      'numbers written otherwise',
      `{"metadata":{"a":1.0,"b":1E2,"c":-0,"d":100e-2},${JSON.stringify(goodEvent).slice(1)}`,
    ],
    [
      'values of changes',
      JSON.stringify({
        ...goodEvent,
        changes: [
          { path: 'p', old: ['é', [1, null, true]], new: 'x' },
          { path: 'q', old: null },
        ],
      }),
    ],
    [
      'keys in any order',
      JSON.stringify({ ...goodEvent, metadata: { b: 'b', a: 'a', ab: 'ab', B: 'B', 'a.b': 'a.b' } }),
    ],
    ['every language', JSON.stringify({ ...goodEvent, description: 'é 語 👩 \u2028' })],
  ])('%s: is taken, and is the same', async (_name, body) => {
    const { quick, thorough } = await judgedBoth(body);
    expect(quick).toBeDefined();
    expect(quick).toEqual(thorough);
  });

  const id = '0199f3c2-7d10-7000-8000-00000000000a';
  test.each([
    ['an id', { id, ...goodEvent, context: {} }, undefined],
    ['an id, and no context', { id, ...goodEvent }, undefined],
    ['an id behind its context', { ...goodEvent, context: { trace_id: '' }, id }, undefined],
    ['an Idempotency-Key', goodEvent, 'once'],
  ])('%s: takes no trace, because it may come again in another one', async (_name, event, idempotencyKey) => {
    const [first, again] = await Promise.all(
      ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'].map((traceId) =>
        judgedBoth(JSON.stringify(event), { traceId, idempotencyKey }),
      ),
    );
    expect(first?.quick ?? first?.thorough).toEqual(first?.thorough);
    expect(again).toEqual(first);
  });

  test('what is new each time takes the trace', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const body = JSON.stringify(goodEvent);
    const { quick, thorough } = await judgedBoth(body, { traceId, idempotencyKey: undefined });
    for (const made of [quick, thorough])
      expect(made?.ok === true && made.judged.events.map(({ record }) => record.value?.includes(traceId))).toEqual([
        true,
      ]);
  });

  test.each([
    ['escapes', JSON.stringify({ ...goodEvent, description: '"' })],
    ['a repeated member', `{"action":"a",${JSON.stringify(goodEvent).slice(1)}`],
    ['a repeated key of metadata', `{"metadata":{"a":1,"b":2,"a":3},${JSON.stringify(goodEvent).slice(1)}`],
    ['a null of metadata', JSON.stringify({ ...goodEvent, metadata: { a: null } })],
    ['a key that is a number', JSON.stringify({ ...goodEvent, metadata: { 1: 'a' } })],
    ['an object within a change', JSON.stringify({ ...goodEvent, changes: [{ path: 'p', new: { b: 1, a: 2 } }] })],
    ['an unknown field', JSON.stringify({ ...goodEvent, discription: 'x' })],
    ['our own names', JSON.stringify({ ...goodEvent, action: 'docket.key.created' })],
    ['something behind it', `${JSON.stringify(goodEvent)}{}`],
    [
      'an id twice',
      JSON.stringify({ events: [1, 2].map(() => ({ ...goodEvent, id: '0199f3c2-7d10-7000-8000-00000000000a' })) }),
    ],
    ['no events', '{"events":[]}'],
    ['a byte order mark', `\ufeff${JSON.stringify(goodEvent)}`],
    ['nothing', ''],
  ])('%s: is left to the judge', async (_name, body) => {
    expect((await judgedBoth(body)).quick).toBeUndefined();
  });

  test('a tenant that is not known is left to the judge', async () => {
    const body = Buffer.from(JSON.stringify(goodEvent));
    expect(await acceptQuickly(body, context, () => new Set())).toBeUndefined();
    expect(await acceptQuickly(body, context, () => new Set(['acme']))).toBeDefined();
  });
});

function isSame(one: Judgement, other: Judgement): boolean {
  return one.ok && other.ok && JSON.stringify(one.judged) === JSON.stringify(other.judged);
}
