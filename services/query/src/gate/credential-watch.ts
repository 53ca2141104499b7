import type { Caller } from './reader-policy.ts';

/** Below the 2 s within which a revoked key ends what it has open, with room for the directory's change to arrive. */
const lookMs = 500;

export interface CredentialWatch {
  /** Calls `end` once when the caller may no longer read the log. Gives what ends the watching. */
  watch(caller: Caller, tenantId: string, end: () => void): () => void;
}

/** Looks again and again whether the credentials of answers that last are still good: an answer must not outlive them. */
export function createCredentialWatch(mayStillRead: (caller: Caller, tenantId: string) => boolean): CredentialWatch {
  const watched = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;

  const forget = (look: () => void): void => {
    watched.delete(look);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    watch(caller, tenantId, end) {
      const look = (): void => {
        if (mayStillRead(caller, tenantId)) return;
        forget(look);
        end();
      };
      watched.add(look);
      timer ??= setInterval(() => {
        for (const each of watched) each();
      }, lookMs);
      return () => forget(look);
    },
  };
}
