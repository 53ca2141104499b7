import type { ClickHouse, RequestOptions } from '@docket/clickhouse';

const unasked = (): never => {
  throw new Error('nothing of the test asks for that');
};

/** A ClickHouse that answers no query until it is released, with no rows, or until who asks gives up. */
export function hangingClickHouse(): {
  readonly clickhouse: ClickHouse;
  /** Resolves when it was first asked. */
  readonly asked: Promise<void>;
  readonly release: () => void;
} {
  let wasAsked = (): void => undefined;
  let release = (): void => undefined;
  const asked = new Promise<void>((resolve) => (wasAsked = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  const query = async (_sql: string, _params?: unknown, { signal }: RequestOptions = {}): Promise<[]> => {
    wasAsked();
    const givenUp = new Promise<never>((_, reject) =>
      signal?.addEventListener('abort', () => reject(new Error('abort', { cause: signal.reason }))),
    );
    await Promise.race([released, givenUp]);
    return [];
  };
  const clickhouse = {
    database: 'docket',
    query,
    queryBytes: unasked,
    stream: unasked,
    command: unasked,
    send: unasked,
    ping: unasked,
    close: unasked,
  };
  return { clickhouse, asked, release };
}
