/** A share of the budget; it counts until released. */
export interface ByteLease {
  /** Gives back what turned out not to be needed, or takes more even beyond the limit: what is in memory is in memory. */
  resize(bytes: number): void;
  /** Safe to call twice. */
  release(): void;
}

export interface ByteBudget {
  /** Undefined when the limit would be exceeded. */
  take(bytes: number): ByteLease | undefined;
  readonly usedBytes: () => number;
  readonly limitBytes: number;
}

/** I8: counts bytes that are held at once, against a limit. */
export function createByteBudget(limitBytes: number): ByteBudget {
  let used = 0;
  return {
    limitBytes,
    usedBytes: () => used,
    take: (bytes) => {
      if (used + bytes > limitBytes) return undefined;
      let held = bytes;
      used += bytes;
      return {
        resize: (wanted) => {
          used += wanted - held;
          held = wanted;
        },
        release: () => {
          used -= held;
          held = 0;
        },
      };
    },
  };
}
