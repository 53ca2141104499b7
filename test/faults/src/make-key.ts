import { createDirectoryView, createDirectoryWriter, newApiKey, type ApiKey } from '@docket/directory';
import type { World } from '@docket/testkit';

/** Writes a key into the directory of a world, as the admin service does; gives its text. A service knows it some moments later. */
export async function makeKey(world: World, of: Pick<ApiKey, 'scopes' | 'tenants'>): Promise<string> {
  const view = createDirectoryView(world.kafka, { onCrash: () => undefined });
  view.start();
  const writer = createDirectoryWriter(world.kafka, { view, onFenced: () => undefined, answerMsMax: 60_000 });
  writer.start();
  const { id, text, secretSha256 } = newApiKey();
  const created_at = '2026-11-01T00:00:00.000Z';
  await writer.change(
    () => ({
      puts: [{ version: 1, kind: 'key', id, name: 'faults', secret_sha256: secretSha256, created_at, ...of }],
      result: undefined,
    }),
    () => [],
  );
  await writer.stop();
  await view.stop();
  return text;
}
