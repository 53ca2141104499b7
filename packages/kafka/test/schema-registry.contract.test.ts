import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readSettings } from '@docket/runtime';

import { createSchemaRegistry, registrySettings } from '../src/index.ts';
import type { AvroRecordSchema, SchemaRegistry } from '../src/index.ts';

const server = createServer((_request, response) => {
  requests += 1;
  response.writeHead(answer).end('{"error_code":40403,"message":"Schema not found"}');
});
let requests = 0;
let answer = 404;
let registry: SchemaRegistry;

beforeAll(async () => {
  registry = createSchemaRegistry(readSettings(registrySettings, process.env));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => void server.close());

function fakeRegistry(): SchemaRegistry {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return createSchemaRegistry({ schemaRegistryUrl: `http://127.0.0.1:${address.port}` });
}

const schema = (fields: readonly unknown[]): AvroRecordSchema => ({
  type: 'record',
  name: 'Thing',
  namespace: 'test',
  fields,
});
const named = { name: 'name', type: 'string', default: '' };

test('registering is idempotent; a version that cannot be read both ways is refused', async () => {
  const subject = `test-${randomUUID()}-value`;
  const id = await registry.register(subject, schema([named]));
  expect(await registry.register(subject, schema([named]))).toBe(id);
  expect(await registry.idOf(subject, schema([named]))).toBe(id);
  expect(await registry.idOf(subject, schema([]))).toBeUndefined();
  expect(await registry.idOf(`test-${randomUUID()}`, schema([named]))).toBeUndefined();
  const later = await registry.register(subject, schema([named, { name: 'size', type: 'int', default: 0 }]));
  expect(await registry.subjectIds(subject)).toEqual([id, later]);
  expect(await registry.idOf(subject, schema([named]))).toBe(id);
  expect(await registry.idOf(subject, schema([]))).toBeUndefined();
  expect(await registry.idOf(`${subject}-other`, schema([named]))).toBeUndefined();
  await expect(registry.register(subject, schema([{ name: 'other', type: 'int' }]))).rejects.toMatchObject({
    status: 409,
  });
  const found = await createSchemaRegistry(readSettings(registrySettings, process.env)).schemaById(later);
  expect(found).toMatchObject({ ok: true, schema: { fields: [{ name: 'name' }, { name: 'size', default: 0 }] } });
}, 60_000);

test('a schema keeps the units of its times', async () => {
  const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0 };
  const id = await registry.register(`test-${randomUUID()}-value`, schema([at]));
  const elsewhere = createSchemaRegistry(readSettings(registrySettings, process.env));
  expect(await elsewhere.schemaById(id)).toMatchObject({ ok: true, schema: { fields: [at] } });
}, 60_000);

test('an unknown id, an unknown subject, and a registry that is away are told apart', async () => {
  expect(await registry.schemaById(987_654_321)).toEqual({ ok: false, reason: 'unknown' });
  expect(await registry.subjectIds(`test-${randomUUID()}`)).toEqual([]);
  const away = createSchemaRegistry({ schemaRegistryUrl: 'http://127.0.0.1:1' });
  expect(await away.schemaById(1)).toEqual({ ok: false, reason: 'unreachable' });
  await expect(away.idOf('x', schema([named]))).rejects.toMatchObject({ code: 'registry_unavailable' });
  await expect(away.subjectIds('x')).rejects.toMatchObject({ code: 'registry_unavailable' });
  await expect(away.idOf('x', schema([named]))).rejects.toMatchObject({ code: 'registry_unavailable' });
  await expect(away.register('x', schema([named]))).rejects.toMatchObject({ code: 'registry_unavailable' });
}, 60_000);

test('an unknown id is not asked for again at once; a failing registry is', async () => {
  const fake = fakeRegistry();
  answer = 404;
  requests = 0;
  await Promise.all([fake.schemaById(5), fake.schemaById(5)]);
  expect(await fake.schemaById(5)).toEqual({ ok: false, reason: 'unknown' });
  expect(requests).toBe(1);
  answer = 500;
  expect(await fake.schemaById(6)).toEqual({ ok: false, reason: 'unreachable' });
  const before = requests;
  expect(await fake.schemaById(6)).toEqual({ ok: false, reason: 'unreachable' });
  expect(requests).toBeGreaterThan(before);
}, 60_000);
