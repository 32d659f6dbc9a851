// Where log lines go. One that cannot be written (the disk is full, the reader is gone) is lost: it ends no process and
// fails no request. pino's own destination throws there, and where a fatal line is flushed it tries for ever.
import { writeSync } from "node:fs";
import type { DestinationStream } from "pino";

/** Between two tries while a reader is slow; ms. */
const BUSY_MS = 10;
const NEWLINE = "\n";

export function openLogOutput(fd: number): DestinationStream {
  let cutOff = false;
  return {
    write(line) {
      const bytes = Buffer.from(cutOff ? NEWLINE + line : line);
      let written = 0;
      try {
        while (written < bytes.length) written += writeSome(fd, bytes.subarray(written));
        cutOff = false;
      } catch {
        cutOff ||= written > 0;
      }
    },
  };
}

/** Bytes written; 0 where the reader has to catch up first. */
function writeSome(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS);
    return 0;
  }
}
