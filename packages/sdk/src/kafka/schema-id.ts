import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { eventSchemaJson } from './message-mapper.ts';

export interface RegistryOptions {
  url: string;
  auth?: { username: string; password: string } | undefined;
}

/** Longer than a registry takes that is there, shorter than the request that waits for it. */
const registryTimeoutMs = 5_000;

/**
 * The id by which the registry knows the schema of events, as a version of the subject. Kept once it is there; a failure, which no answer in time is too, is
 * forgotten, so that the next call asks again. Registers nothing.
 */
export function createSchemaId(
  { url, auth }: RegistryOptions,
  subject: string,
  timeoutMs: number = registryTimeoutMs,
): () => Promise<number> {
  let known: Promise<number> | undefined;

  async function ask(): Promise<number> {
    const ending = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_resolve, reject) => {
      const detail = `the schema registry has not answered within ${timeoutMs} ms`;
      timer = setTimeout(() => reject(new Error(detail)), timeoutMs);
    });
    // Of a request that is given up the connection would stay open.
    const ended = () => ({
      prepareRequest: async <Request extends { enhance(extras: { signal: AbortSignal }): Request }>(
        next: () => Promise<Request>,
      ) => (await next()).enhance({ signal: ending.signal }),
    });
    const registry = new SchemaRegistry({
      host: url.replace(/\/$/, ''),
      retry: { retries: 1 },
      middlewares: [ended],
      ...(auth && { auth }),
    });
    try {
      const asked = registry.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: eventSchemaJson });
      return await Promise.race([asked, expired]);
    } finally {
      clearTimeout(timer);
      ending.abort();
    }
  }

  return () => {
    if (known === undefined) {
      known = ask();
      known.catch(() => (known = undefined));
    }
    return known;
  };
}
