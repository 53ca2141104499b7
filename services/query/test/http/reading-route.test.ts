import { DocketError, type HttpServer } from '@docket/runtime';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { KeepReading, Reader } from '../../src/http/reading-route.ts';
import { reading, serveReading } from './reading-server.ts';

let server: HttpServer | undefined;
afterEach(async () => server?.close(1_000));

async function serve(answer: Reader, keep: KeepReading): Promise<string> {
  const served = await serveReading(answer, keep);
  ({ server } = served);
  return served.url;
}

describe('a route that reads a log', () => {
  test('answers once the reading of each log is kept', async () => {
    const kept: string[] = [];
    const answer: Reader = async () => ({ reading: [reading, { ...reading, log: 'globex' }], body: { kept } });
    const url = await serve(answer, async (_, { log }) => {
      await new Promise((resolve) => setImmediate(resolve));
      kept.push(log);
    });
    expect(await (await fetch(url)).json()).toEqual({ kept: ['acme', 'globex'] });
  });

  test('shows nothing when the reading of one log of several cannot be kept', async () => {
    const answer: Reader = async () => ({ reading: [reading, { ...reading, log: 'globex' }], body: ['secret'] });
    const url = await serve(answer, async (_, { log }) => {
      if (log === 'globex') throw new DocketError('trail_unavailable', 'full');
    });
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('secret');
  });

  test('answers once the reading is kept, not before', async () => {
    const order: string[] = [];
    const url = await serve(
      async () => ({
        reading,
        headers: { Link: '<next>' },
        stream: (res) => {
          order.push('answered');
          res.json({ data: ['secret'] });
          return Promise.resolve();
        },
      }),
      async (kind, kept) => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${kind} ${kept.question}`);
      },
    );
    const response = await fetch(url);
    expect(await response.json()).toEqual({ data: ['secret'] });
    expect(response.headers.get('link')).toBe('<next>');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(order).toEqual(['searched action:user.*', 'answered']);
  });

  test('shows nothing when the reading cannot be kept', async () => {
    const url = await serve(
      () => Promise.resolve({ reading, headers: { 'X-Found': '1' }, body: { data: ['secret'] } }),
      () => Promise.reject(new DocketError('overloaded', 'There is no room.')),
    );
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(response.headers.get('x-found')).toBeNull();
    expect(await response.text()).not.toContain('secret');
  });

  test('ends its work, and with it what that holds, as soon as it fails: whoever asked may never take the problem', async () => {
    let given: AbortSignal | undefined;
    const url = await serve(
      (_req, signal) => {
        given = signal;
        return Promise.resolve({ reading, body: {} });
      },
      () => Promise.reject(new DocketError('overloaded', 'There is no room.')),
    );
    expect((await fetch(url)).status).toBe(503);
    expect(given?.reason).toMatchObject({ code: 'overloaded' });
  });

  test('keeps nothing of a request that is refused', async () => {
    let kept = 0;
    const url = await serve(
      () => Promise.reject(new DocketError('unauthenticated', 'No credential.')),
      () => Promise.resolve(void (kept += 1)),
    );
    expect((await fetch(url)).status).toBe(401);
    expect(kept).toBe(0);
  });
});
