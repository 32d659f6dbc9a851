/** Bytes in one piece that grows: chunks are copied, so that no small one keeps a socket's whole buffer in memory. */
export interface GrowingBuffer {
  readonly size: number;
  append(chunk: Buffer): void;
  /** The bytes so far; valid until the next append. */
  bytes(): Buffer;
}

const FIRST_BYTES = 16 * 1024;

export function createGrowingBuffer(): GrowingBuffer {
  let storage = Buffer.alloc(0);
  let size = 0;
  return {
    get size() {
      return size;
    },
    append(chunk) {
      if (size + chunk.length > storage.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, storage.length * 2, size + chunk.length));
        storage.copy(grown, 0, 0, size);
        storage = grown;
      }
      size += chunk.copy(storage, size);
    },
    bytes: () => storage.subarray(0, size),
  };
}
