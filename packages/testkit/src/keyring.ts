import { createDirectoryView, createDirectoryWriter, newApiKey, type ApiKey } from '@docket/directory';
import type { World } from './world.ts';

export interface MadeKey {
  readonly entity: ApiKey;
  /** What a request with it sends. */
  readonly authorization: string;
}

/** Keys in the directory of a world, as the admin service writes them. A service knows a key some moments later. */
export interface Keyring {
  /** A new key; by default it may read the log of acme. */
  make(changes?: Partial<ApiKey>): Promise<MadeKey>;
  put(entity: ApiKey): Promise<void>;
  close(): Promise<void>;
}

export function createKeyring(world: World): Keyring {
  const view = createDirectoryView(world.kafka, { onCrash: () => undefined });
  view.start();
  const writer = createDirectoryWriter(world.kafka, { view, onFenced: () => undefined, answerMsMax: 60_000 });
  writer.start();

  async function put(entity: ApiKey): Promise<void> {
    await writer.change(
      () => ({ puts: [entity], result: undefined }),
      () => [],
    );
  }

  return {
    put,
    async make(changes = {}) {
      const { id, text, secretSha256 } = newApiKey();
      const entity: ApiKey = {
        version: 1,
        kind: 'key',
        id,
        name: 'test',
        secret_sha256: secretSha256,
        scopes: ['events:read'],
        tenants: ['acme'],
        created_at: '2026-11-01T00:00:00.000Z',
        ...changes,
      };
      await put(entity);
      return { entity, authorization: `Bearer ${text}` };
    },
    async close() {
      await writer.stop();
      await view.stop();
    },
  };
}
