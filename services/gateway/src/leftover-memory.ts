import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface LeftoverMemory {
  /** So many bytes are not used any more. Takes a millisecond or two, or some ten for `all`, whenever enough have been left. */
  readonly leave: (bytes: number) => void;
}

/**
 * I8: gives back memory of this thread that lies beside V8's heap, buffers and long texts, before more than `bytesMax` of it is left unused. By itself V8 lets
 * 32 MiB of new buffers gather, and 64 MiB of everything, in each thread.
 * @param what `young`: what nobody has used for long · `all`: also what has been in use while V8 collected
 */
export function createLeftoverMemory(what: 'young' | 'all', bytesMax: number): LeftoverMemory {
  const collect = collector();
  let left = 0;
  return {
    leave: (bytes) => {
      left += bytes;
      if (left < bytesMax) return;
      left = 0;
      collect(what === 'young' ? { type: 'minor' } : undefined);
    },
  };
}

type Collect = (options?: { readonly type: 'minor' }) => void;

/** V8 gives its collector to programs that were started with this flag; of others, to contexts that come after it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new TypeError('V8 no longer gives its collector to a program');
  return (options) => void Reflect.apply(collect, undefined, [options]);
}
