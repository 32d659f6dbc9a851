import { open } from "node:fs/promises";

const TAIL_BYTES = 8 * 1024;

/** The last lines of a log, for the message of a failure; empty where there is none. */
export async function logTail(file: string | undefined, lines = 15): Promise<string> {
  if (file === undefined) return "";
  const handle = await open(file).catch(() => null);
  if (handle === null) return "";
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(TAIL_BYTES), position: start });
    return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n").slice(-lines).join("\n");
  } finally {
    await handle.close();
  }
}
