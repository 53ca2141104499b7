import { afterEach, expect, test } from '@jest/globals';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@docket/testkit';
import { createSchemaId } from '../../src/kafka/schema-id.ts';

const opened: Server[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const answerId = (response: ServerResponse): void => void response.end(JSON.stringify({ id: 7 }));

/** A registry that answers each request as it is told to; the paths that were asked for, and how many connections are open. */
async function registryThat(answer: (response: ServerResponse, index: number) => void) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.setHeader('content-type', 'application/json');
    answer(response, paths.length - 1);
  });
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  const connections = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
  return { url: `http://127.0.0.1:${address.port}/`, paths, connections };
}

test('is asked for once', async () => {
  const { url, paths } = await registryThat(answerId);
  const schemaId = createSchemaId({ url }, 'audit.events-value');
  expect(await Promise.all([schemaId(), schemaId()])).toEqual([7, 7]);
  expect(await schemaId()).toBe(7);
  expect(paths).toEqual(['/subjects/audit.events-value']);
});

test.each([
  ['does not answer', () => undefined],
  ['does not end its answer', (response: ServerResponse) => void response.write('{')],
])('a registry that %s is given up at the deadline, and asked again', async (_name, hang) => {
  const { url, paths, connections } = await registryThat((response, index) =>
    (index === 0 ? hang : answerId)(response),
  );
  const schemaId = createSchemaId({ url }, 'audit.events-value', 50);
  await expect(schemaId()).rejects.toThrow('the schema registry has not answered within 50 ms');
  await eventually(async () => (await connections()) === 0, { what: 'the end of the connection', deadlineMs: 2_000 });
  expect(await schemaId()).toBe(7);
  expect(paths).toHaveLength(2);
});

test('a schema that is not registered is asked for again, too', async () => {
  const { url } = await registryThat((response, index) => {
    if (index === 0) response.writeHead(404).end('{ "error_code": 40403, "message": "Schema not found" }');
    else answerId(response);
  });
  const schemaId = createSchemaId({ url }, 'audit.events-value');
  await expect(schemaId()).rejects.toThrow('Schema not found');
  expect(await schemaId()).toBe(7);
});
