import { DocketError } from '@docket/runtime';

import type { DirectoryReader } from './directory-state.ts';
import type { DirectoryView } from './directory-view.ts';
import type { Entity, EntityKind } from './entities.ts';

/** Kafka hands a committed record on within milliseconds; longer than this is an outage. */
const shownDeadlineMs = 5_000;

/** Waits until the view shows what has been written. Rejects with kafka_unavailable after 5 s: the change is written all the same. */
export async function untilShown(view: DirectoryView, isThere: () => boolean): Promise<void> {
  if (isThere()) return;
  await new Promise<void>((resolve, reject) => {
    const check = (): void => {
      if (isThere()) settle(resolve);
    };
    const endings = [view.onChange(check), view.onWriter(check)];
    const timer = setTimeout(() => {
      const message = 'The change was written, but was not read back in time: look before repeating it.';
      settle(() => reject(new DocketError('kafka_unavailable', message)));
    }, shownDeadlineMs);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      for (const end of endings) end();
      act();
    };
  });
}

/** Decides whether a directory holds an entity as it was put. Its own was read from the same JSON text, so it has the same members in the same order. */
export function isShown(directory: DirectoryReader, put: Entity): boolean {
  return JSON.stringify(entityOf(directory, put.kind, put.id)) === JSON.stringify(put);
}

export function entityOf(directory: DirectoryReader, kind: EntityKind, id: string): Entity | undefined {
  switch (kind) {
    case 'tenant':
      return directory.tenant(id);
    case 'key':
      return directory.key(id);
    case 'subscription':
      return directory.subscription(id);
  }
}
