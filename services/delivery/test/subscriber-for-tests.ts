import { randomBytes } from 'node:crypto';
import { newApiKey, recordOfEntity } from '@docket/directory';
import type { ApiKey, Scope } from '@docket/directory';
import { createPublisher } from '@docket/kafka';
import type { ServiceProcess, World } from '@docket/testkit';

export interface Asked {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Makes a key as admin would, without one. */
export async function putKey(world: World, scopes: readonly Scope[], tenants: readonly string[]): Promise<string> {
  const { id, secretSha256, text } = newApiKey();
  const now = new Date().toISOString();
  const key: ApiKey = {
    version: 1,
    kind: 'key',
    id,
    name: `key-${randomBytes(3).toString('hex')}`,
    secret_sha256: secretSha256,
    scopes: [...scopes],
    tenants: [...tenants],
    created_at: now,
  };
  const publisher = createPublisher(world.kafka);
  const [outcome] = await publisher.publish(world.kafka.topics.directory.name, [
    { ...recordOfEntity(key), partition: 0 },
  ]);
  await publisher.stop();
  if (outcome === undefined || !outcome.ok) throw new Error('the key was not written', { cause: outcome });
  return text;
}

/** Calls the API of a service. */
export async function ask(
  { url }: ServiceProcess,
  credential: string,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Asked> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${credential}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed: unknown = text === '' ? {} : JSON.parse(text);
  return { status: response.status, body: { ...Object(parsed) }, text };
}
