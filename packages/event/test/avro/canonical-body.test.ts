import { describe, expect, test } from '@jest/globals';
import { auditEventAvro } from '@docket/schemas';
import avro from 'avsc';
import { createEventCodec, encodeEvent } from '../../src/index.ts';
import { createChance, eventFrom, type Chance } from '../event-maker.ts';

const arrivalMs = Date.UTC(2026, 10, 23, 9);
const ours = createEventCodec(auditEventAvro);

interface Field {
  name: string;
  type: unknown;
  default?: unknown;
}
interface RecordSchema {
  type: 'record';
  name: string;
  fields: Field[];
}

const isRecordSchema = (type: unknown): type is RecordSchema =>
  typeof type === 'object' && type !== null && 'fields' in type;

function shuffled<T>(chance: Chance, items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: chance.next() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

const extras: readonly [unknown, ...unknown[]] = [
  'null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string',
  { type: 'array', items: { type: 'map', values: ['null', 'long'] } },
  { type: 'fixed', name: 'Extra4', size: 4 },
  { type: 'enum', name: 'ExtraEnum', symbols: ['x', 'y'] },
  { type: 'record', name: 'ExtraList', fields: [{ name: 'value', type: 'int' }, { name: 'next', type: ['null', 'ExtraList'] }] },
]; // prettier-ignore

/** A schema that resolves to ours: fields in another order, some missing, some more, types that promote, unions turned. */
function writerFrom(chance: Chance, schema: RecordSchema): RecordSchema {
  let extra: Field[] = [];
  if (chance.onceIn(2))
    extra = [{ name: `extra_${schema.name}`, type: uniquelyNamed(chance.pick(extras), schema.name) }];
  const kept = schema.fields.filter((field) => !('default' in field) || !chance.onceIn(5));
  const fields = kept.map((field) => ({ name: field.name, type: typeFrom(chance, field.type) }));
  const all = [...fields, ...extra];
  return { ...schema, fields: chance.onceIn(3) ? all : shuffled(chance, all) };
}

function uniquelyNamed(type: unknown, suffix: string): unknown {
  return JSON.parse(JSON.stringify(type).replaceAll(/"(Extra\w+)"/g, `"$1${suffix}"`));
}

function typeFrom(chance: Chance, type: unknown): unknown {
  if (isRecordSchema(type)) return writerFrom(chance, type);
  if (Array.isArray(type)) {
    const branches = type.map((branch: unknown) => (branch === 'null' ? branch : typeFrom(chance, branch)));
    return chance.onceIn(4) ? branches.find((branch) => branch !== 'null') : shuffled(chance, branches);
  }
  if (typeof type !== 'object' || type === null) return scalarFrom(chance, type);
  if ('items' in type) return { ...type, items: typeFrom(chance, type.items) };
  if ('values' in type) return { ...type, values: typeFrom(chance, type.values) };
  if ('symbols' in type && Array.isArray(type.symbols)) {
    const symbols = shuffled<unknown>(chance, [...type.symbols, ...(chance.onceIn(2) ? ['novel'] : [])]);
    return { type: 'enum', name: Reflect.get(type, 'name'), symbols: chance.onceIn(2) ? symbols : symbols.slice(0, 3) };
  }
  return 'logicalType' in type && 'type' in type ? scalarFrom(chance, type.type) : type;
}

function scalarFrom(chance: Chance, type: unknown): unknown {
  if (type === 'long' && chance.onceIn(3)) return 'int';
  return type === 'string' && chance.onceIn(5) ? 'bytes' : type;
}

const schemaOf = (type: unknown): unknown => JSON.parse(JSON.stringify(type));

describe('the canonical form of a body', () => {
  test('is what avsc reads with its own resolution, encoded in our schema: 300 writer schemas', () => {
    let compared = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      const chance = createChance(seed);
      const writer = writerFrom(chance, schemaOf(auditEventAvro) as RecordSchema);
      const codec = createEventCodec(writer);
      const writerType = avro.Type.forSchema(writer as avro.Schema);
      for (let n = 0; n < 5; n += 1) {
        const body = writerType.toBuffer(valueFor(chance, writerType));
        const expected = ours.canonicalise(encodeEvent(codec.decode(body))).toString('hex');
        const found = codec.canonicalise(body).toString('hex');
        if (found.slice(72) !== expected.slice(72)) throw new Error(`seed ${seed}: ${JSON.stringify(writer)}`);
        compared += 1;
      }
    }
    expect(compared).toBe(1500);
  }, 60_000);

  test('of a body of our own encoder is that body', () => {
    const chance = createChance(11);
    for (let n = 0; n < 500; n += 1) {
      const event = eventFrom(chance, 'acme', arrivalMs);
      const body = encodeEvent(ours.decode(encodeEvent(event)));
      const ascending = encodeEvent({ ...event, metadata: {}, actor: { ...event.actor, metadata: {} }, resources: [] });
      expect(ours.canonicalise(body).length).toBe(body.length);
      expect(ours.canonicalise(ascending)).toEqual(ascending);
    }
  });
});

test('I8: the memory of one large body is given back while small ones follow', () => {
  const event = eventFrom(createChance(11), 'acme', arrivalMs);
  const memoryFor = (description: string): number =>
    ours.canonicalise(encodeEvent({ ...event, description })).buffer.byteLength;
  const large = memoryFor('x'.repeat(8 * 1024 * 1024));
  for (let n = 0; n < 16; n += 1) memoryFor('');
  expect([large > 8 * 1024 * 1024, memoryFor('') <= 64 * 1024]).toEqual([true, true]);
});

/** A random value of a writer's type; strings are ASCII, so that they may be bytes too. */
function valueFor(chance: Chance, type: avro.Type): unknown {
  if (type instanceof avro.types.RecordType)
    return Object.fromEntries(type.fields.map((field) => [field.name, valueFor(chance, field.type)]));
  if (type instanceof avro.types.ArrayType)
    return Array.from({ length: chance.upTo(3) }, () => valueFor(chance, type.itemsType));
  if (type instanceof avro.types.MapType) {
    const names = shuffled(chance, ['b', 'a', '7', '10', 'Z']).slice(chance.upTo(5));
    return Object.fromEntries(names.map((name) => [name, valueFor(chance, type.valuesType as avro.Type)]));
  }
  if (type instanceof avro.types.UnwrappedUnionType) return valueFor(chance, chance.pick(type.types as [avro.Type]));
  if (type instanceof avro.types.EnumType) return chance.pick(type.symbols as [string]);
  if (type instanceof avro.types.FixedType) return Buffer.alloc(type.size, chance.upTo(255));
  return scalarValue(chance, type.typeName);
}

function scalarValue(chance: Chance, typeName: string): unknown {
  const text = 'some text'.slice(0, chance.upTo(9));
  const scalars: Record<string, unknown> = {
    null: null,
    boolean: chance.onceIn(2),
    int: chance.upTo(2 ** 31 - 1) - chance.upTo(2 ** 31 - 1),
    long: chance.upTo(2 ** 52) - chance.upTo(2 ** 52),
    float: 1.5,
    double: chance.next(),
    bytes: Buffer.from(text),
    string: text,
  };
  return scalars[typeName];
}

describe('damaged bodies', () => {
  const schema = {
    type: 'record',
    name: 'AuditEvent',
    namespace: 'docket',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'tenant_id', type: 'string' },
      { name: 'action', type: 'string' },
      {
        name: 'actor',
        type: { type: 'record', name: 'Actor', fields: [{ name: 'type', type: 'string' }, { name: 'id', type: 'string' }] },
      },
      { name: 'metadata', type: { type: 'map', values: 'string' } },
      { name: 'deep', type: ['null', { type: 'array', items: ['null', { type: 'record', name: 'Deep', fields: [{ name: 'in', type: ['null', 'Deep'] }] }] }] },
    ],
  }; // prettier-ignore
  const codec = createEventCodec(schema);
  const head = Buffer.from('\x02i\x08acme\x02a\x02t\x02u', 'latin1');
  const body = (metadata: string, deep = '\x00'): Buffer =>
    Buffer.concat([head, Buffer.from(metadata + deep, 'latin1')]);
  const canonicalMetadata = (bytes: Buffer) => codec.decode(bytes).metadata;

  test.each([
    ['one block', '\x04\x02a\x02x\x02b\x02y\x00'],
    ['two blocks', '\x02\x02a\x02x\x02\x02b\x02y\x00'],
    ['a block that names its size', '\x03\x10\x02a\x02x\x02b\x02y\x00'.replace('\x10', '\x10')],
    ['keys in another order', '\x04\x02b\x02y\x02a\x02x\x00'],
    ['lengths that are longer than they need to be', '\x84\x00\x82\x00a\x02x\x02b\x82\x80\x00y\x00'],
  ])('a map in %s means the same and has the same canonical form', (_name, metadata) => {
    expect(canonicalMetadata(body(metadata))).toEqual({ a: 'x', b: 'y' });
    expect(codec.canonicalise(body(metadata))).toEqual(
      Buffer.from(codec.canonicalise(body('\x04\x02a\x02x\x02b\x02y\x00'))),
    );
  });

  const long = '\xff\xff\xff\xff\xff\xff\xff\xff\xff';
  test.each([
    ['a body that ends within a text', head.subarray(0, 5), /does not fit/],
    ['an empty body', Buffer.alloc(0), /does not fit/],
    ['bytes behind the event', body('\x00', '\x00\x00'), /ends before/],
    ['a negative length', Buffer.from('\x01', 'latin1'), /does not fit/],
    ['a number of more than ten bytes', body(`${long}\xff\x01\x00`), /more than 64 bits/],
    ['a number of 65 bits', body(`${long}\x02`), /more than 64 bits/],
    ['a count beyond the bytes', body(`${long}\x01`), /does not fit|claims/],
    ['a block of the wrong size', body('\x03\x0e\x02a\x02x\x02b\x02y\x00'), /claims/],
    ['a text that is not UTF-8', body('\x02\x02a\x02\xff\x00'), /not UTF-8/],
    ['a text with a surrogate', body('\x02\x02a\x06\xed\xa0\x80\x00'), /not UTF-8/],
    ['a key twice', body('\x04\x02a\x02x\x02a\x02y\x00'), /the key a twice/],
    ['the key __proto__', body('\x02\x12__proto__\x02y\x00'), /__proto__, which is reserved/],
    ['a union branch that is none', body('\x00', '\x04'), /union branch 2/],
    ['values that nest without end', body('\x00', `\x02\x02\x02${'\x02'.repeat(5000)}`), /nest deeper/],
  ])('%s is refused, by the slow path too', (_name, bytes, message) => {
    expect(() => codec.canonicalise(bytes)).toThrow(message);
    expect(() => codec.decode(bytes)).toThrow(message);
  });

  test('a long beyond what JavaScript keeps is refused where it is read and passed over where it is not', () => {
    const withCounter = (type: unknown) => ({
      ...schema,
      fields: [...schema.fields.slice(0, 5), { name: 'source', type }],
    });
    const source = { type: 'record', name: 'Source', fields: [{ name: 'counter', type: 'long' }] };
    const bytes = body('\x00', `${long}\x01`);
    expect(() => createEventCodec(withCounter(source)).decode(bytes)).toThrow(/beyond what is kept exactly/);
    const skipped = { ...source, fields: [{ name: 'other', type: 'long' }] };
    expect(createEventCodec(withCounter(skipped)).decode(bytes).source.counter).toBe(0);
  });
});

test.each([
  ['another namespace', { namespace: 'com.acme.audit' }],
  ['none', { namespace: '' }],
])('a writer whose types are in %s is read: the registry calls it compatible', (_name, named) => {
  const codec = createEventCodec({ ...auditEventAvro, ...named });
  expect(codec.isOwnLayout).toBe(false);
  const chance = createChance(12);
  for (let n = 0; n < 200; n += 1) {
    const body = encodeEvent({ ...eventFrom(chance, 'acme', arrivalMs), commitment_seed: Buffer.alloc(16, n) });
    expect(codec.decode(body)).toEqual(ours.decode(body));
    expect(codec.canonicalise(body)).toEqual(ours.canonicalise(body));
  }
});

test('a writer whose types have other names is refused, whatever their namespace', () => {
  expect(() => createEventCodec({ ...auditEventAvro, name: 'AccessEvent' })).toThrow(/no alias found/);
});

test.each(['timestamp-millis', 'local-timestamp-nanos'])(
  'a writer whose times are %s is not read as if they were µs',
  (logicalType) => {
    const schema: unknown = JSON.parse(
      JSON.stringify(auditEventAvro).replace('"timestamp-micros"', `"${logicalType}"`),
    );
    expect(() => createEventCodec(schema)).toThrow(/^occurred_at is in (millis|nanos), not in micros$/);
  },
);
