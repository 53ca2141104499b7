import { categories, operations, outcomes, severities, type AuditEvent, type Resource } from '../src/index.ts';

/** Random choices that a seed repeats (mulberry32). */
export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** From 0 to `max`, both included. */
  upTo(max: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** True about once in `times`. */
  onceIn(times: number): boolean;
}

export function createChance(seed: number): Chance {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const upTo = (max: number): number => Math.floor(next() * (max + 1));
  return { next, upTo, pick: (from) => from[upTo(from.length - 1)] ?? from[0], onceIn: (times) => next() * times < 1 };
}

const hex = (chance: Chance, digits: number): string =>
  Array.from({ length: digits }, () => chance.upTo(15).toString(16)).join('');

export function idFrom(chance: Chance): string {
  const id = [8, 4, 4, 4, 12].map((digits) => hex(chance, digits)).join('-');
  return chance.onceIn(50) ? id.toUpperCase() : id;
}

const characters = ['a', 'Z', '7', ' ', '"', '\\', '\n', '\0', 'é', '€', '語', '👩', '\ufeff', '\u2028'] as const;

/** A text of about `length` characters, mostly ASCII. */
function textOf(chance: Chance, length: number): string {
  if (!chance.onceIn(6)) return 'some text of a real event, and more of it'.repeat(1 + length / 40).slice(0, length);
  return Array.from({ length }, () => chance.pick(characters)).join('');
}

/** Mostly short; now and then at a limit, just over it, or around where a length takes another byte. */
function textUpTo(chance: Chance, max: number): string {
  if (chance.onceIn(5)) return '';
  if (chance.onceIn(200)) return textOf(chance, max + chance.upTo(1));
  if (chance.onceIn(30)) return textOf(chance, chance.pick([63, 64, 127, 128, 129]));
  return textOf(chance, 1 + chance.upTo(24));
}

const values = [
  'true', ' [1, 2.50, -0] ', '{"a":{"b":[null,"x\\u00e9\\ud800"]},"":1e3}', '"text"', 'null', '1e400', '12', '"é€👩"', '{}', '[ ]',
  '[[[[1]]]]', '{"__proto__":1}', '{"a":1,"a":2}',
] as const; // prettier-ignore
const broken = [
  '',
  '{',
  '[1,]',
  '01',
  '"\n"',
  '{"a"}',
  'nul',
  '"\\x"',
  '1.',
  '-',
  '[1 2]',
  'true false',
  '\ufeff1',
] as const;

function valueFrom(chance: Chance): string | null {
  if (chance.onceIn(3)) return null;
  if (chance.onceIn(300)) return chance.pick(broken);
  if (chance.onceIn(200)) return `"${'x'.repeat(chance.pick([1363, 1364, 8189, 8190, 8191]))}"`;
  if (chance.onceIn(200)) return `[${'1e20,'.repeat(chance.pick([272, 273, 390, 391]))}1]`;
  if (chance.onceIn(200)) return '['.repeat(chance.pick([31, 32, 33])) + ']'.repeat(chance.pick([31, 32, 33]));
  return chance.pick(values);
}

function metadataFrom(chance: Chance): Record<string, string> {
  const count = chance.onceIn(100) ? chance.pick([63, 64, 65]) : chance.upTo(3);
  const names = Array.from({ length: count }, (_, n) =>
    chance.onceIn(200) ? chance.pick(['', 'a/b', 'é', 'x'.repeat(65), '__proto__x', '__x']) : chance.pick([`k${n}`, `${n}`, `Key.${n}`, `_${n}`, `a-${9 - (n % 10)}${n}`]),
  ); // prettier-ignore
  return Object.fromEntries(names.map((name) => [name, textUpTo(chance, 2048)]));
}

function resourceFrom(chance: Chance): Resource {
  return {
    type: chance.onceIn(200) ? chance.pick(['', 'a b', 'x'.repeat(65), 'ü']) : chance.pick(['user', 'api_key', 'x'.repeat(64)]),
    id: chance.onceIn(200) ? '' : textUpTo(chance, 256) || 'u_1',
    name: textUpTo(chance, 512),
    metadata: chance.onceIn(2) ? {} : metadataFrom(chance),
  }; // prettier-ignore
}

const actions = ['user.role.updated', 'login', 'a-b_c.d0', 'docketing.x', 'x'.repeat(128)] as const;
const wrongActions = ['docket', 'docket.log.searched', '.a', 'a.', 'a..b', 'A', '', 'ä', 'x'.repeat(129)] as const;
const addresses = ['', '203.0.113.7', '255.255.255.255', '2001:db8::1', '::ffff:1.2.3.4', '::'] as const;
const wrongAddresses = [
  '1.2.3',
  '01.2.3.4',
  '256.1.1.1',
  '1.2.3.4.5',
  'fe80::1%eth0',
  'x',
  '1.2.3.',
  '٣.1.1.1',
] as const;

/** An event of `tenantId`; most are valid, each field is now and then at, just below or over one of its limits. */
export function eventFrom(chance: Chance, tenantId: string, arrivalMs: number): AuditEvent {
  const wrongTime = [
    arrivalMs * 1000 + 86_400_000_000,
    arrivalMs * 1000 + 86_400_000_001,
    -2_208_988_800_000_001,
  ] as const;
  const time = chance.onceIn(200)
    ? chance.pick(wrongTime)
    : chance.pick([arrivalMs * 1000 - 1, 0, -1, arrivalMs * 1000]);
  const { type, id, name } = resourceFrom(chance);
  return {
    id: chance.onceIn(500) ? chance.pick(['seven', '00000000-0000-0000-0000-000000000000', '']) : idFrom(chance),
    tenant_id: chance.onceIn(300) ? chance.pick(['globex', '', 'docket.x', 'ä']) : tenantId,
    occurred_at: chance.onceIn(4) ? null : time,
    action: chance.onceIn(200) ? chance.pick(wrongActions) : chance.pick(actions),
    category: chance.onceIn(4) ? null : chance.pick(categories),
    operation: chance.pick(operations),
    outcome: chance.pick(outcomes),
    outcome_reason: textUpTo(chance, 1024),
    severity: chance.pick(severities),
    actor: resourceFrom(chance),
    on_behalf_of: chance.onceIn(3) ? { type, id, name } : null,
    resources: Array.from({ length: chance.onceIn(300) ? 32 + chance.upTo(1) : chance.upTo(2) }, () => resourceFrom(chance)),
    changes: Array.from({ length: chance.onceIn(300) ? 64 + chance.upTo(1) : chance.upTo(2) }, () => ({
      path: textUpTo(chance, 512) || 'p',
      old: valueFrom(chance),
      new: valueFrom(chance),
    })),
    description: textUpTo(chance, 4096),
    context: {
      ip: chance.onceIn(200) ? chance.pick(wrongAddresses) : chance.pick(addresses),
      user_agent: textUpTo(chance, 2048),
      country: chance.onceIn(200) ? chance.pick(['D', 'de', 'DEU', 'ÄÄ']) : chance.pick(['', 'DE']),
      session_id: textUpTo(chance, 256),
      request_id: textUpTo(chance, 256),
      trace_id: textUpTo(chance, 256),
    },
    source: {
      service: textUpTo(chance, 128),
      version: textUpTo(chance, 128),
      instance: textUpTo(chance, 256),
      counter: chance.onceIn(200) ? chance.pick([-1, 2 ** 52, 2 ** 53 - 2]) : chance.pick([0, 1, 63, 64, 2 ** 31, 2 ** 40]),
    },
    metadata: metadataFrom(chance),
    commitment_seed: chance.onceIn(4) ? Buffer.from(hex(chance, 32), 'hex') : null,
    ingest: chance.onceIn(2) ? { key_id: textUpTo(chance, 128), received_from: chance.onceIn(50) ? textUpTo(chance, 64) : chance.pick(addresses) } : null,
  }; // prettier-ignore
}

/** The bytes with something wrong: flipped bits, a cut, a piece of other bytes, a doubled or a missing piece. */
export function damaged(chance: Chance, bytes: Buffer, other: Buffer): Buffer {
  const at = chance.upTo(bytes.length);
  const size = chance.upTo(chance.pick([1, 4, 40]));
  switch (chance.upTo(5)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      for (let n = chance.upTo(2); n >= 0; n -= 1) {
        const place = chance.upTo(bytes.length - 1);
        flipped[place] = (flipped[place] ?? 0) ^ (1 << chance.upTo(7));
      }
      return flipped;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(at, at + size), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]);
    default: {
      const set = Buffer.from(bytes);
      set[Math.min(at, set.length - 1)] = chance.pick([0x00, 0x01, 0x7f, 0x80, 0xff, 0xc0, 0xed, 0x02]);
      return set;
    }
  }
}
