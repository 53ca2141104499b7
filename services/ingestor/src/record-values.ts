/**
 * The values of the records of a block's rows, by row: what a refused row keeps. Held as places
 * in the buffers of the fetches they came in, so that a waiting row costs no object.
 */
export interface RecordValues {
  add(value: Buffer | null): void;
  at(row: number): Buffer | null;
  clear(): void;
}

const noValue = -1;

export function createRecordValues(): RecordValues {
  const buffers: ArrayBufferLike[] = [];
  /** Of each row: which buffer, where in it, how long. */
  const places: number[] = [];
  return {
    add(value) {
      if (value === null) {
        places.push(noValue, 0, 0);
        return;
      }
      if (buffers.at(-1) !== value.buffer) buffers.push(value.buffer);
      places.push(buffers.length - 1, value.byteOffset, value.length);
    },
    at(row) {
      const [index = noValue, from = 0, length = 0] = places.slice(row * 3, row * 3 + 3);
      const buffer = buffers[index];
      return buffer === undefined ? null : Buffer.from(buffer, from, length);
    },
    clear() {
      buffers.length = 0;
      places.length = 0;
    },
  };
}
