// Reads an answer's body, decoded, within bounds.
//  B1. Never more than LIMITS.httpResponseBytes are decoded or kept: at the bound the socket is closed.
//  B2. All bodies together stay within the budget: small ones are free, others wait for a share before they read on.
//  B3. Who holds a share must be done within LARGE_BODY_MS, so that slow targets cannot keep it from other tenants.
import type { Readable } from "node:stream";
import { LIMITS } from "@keelson/contracts";
import type { ByteBudget } from "./byte-budget.ts";
import { BROTLI_WINDOW_BYTES, decodeBody, encodingOf } from "./decode-body.ts";
import type { AnswerHead } from "./exchange.ts";
import { createGrowingBuffer, type GrowingBuffer } from "./growing-buffer.ts";

export interface BodyReader {
  /** The bytes read so far; they stay readable when reading fails. */
  readonly received: GrowingBuffer;
  /** Resolves to `tooLarge` at the bound. Rejects with the network's error, UndecodableBody, UnknownEncoding or SlowBody. */
  read(): Promise<"complete" | "tooLarge">;
}

/** A large body did not come within the time it may hold its share of memory. */
export class SlowBody extends Error {
  override readonly name = "SlowBody";
}

const FREE_BYTES = 256 * 1024;
export const LARGE_BODY_MS = 30_000;

export function createBodyReader(head: AnswerHead, budget: ByteBudget, signal: AbortSignal): BodyReader {
  const received = createGrowingBuffer();
  async function read(): Promise<"complete" | "tooLarge"> {
    const share = createShare(head.body, budget, signal);
    try {
      const encoding = encodingOf(head.headers.get("content-encoding") ?? []);
      if (encoding === "br") await share.take(BROTLI_WINDOW_BYTES + LIMITS.httpResponseBytes);
      for await (const chunk of decodeBody(head.body, encoding)) {
        const room = LIMITS.httpResponseBytes - received.size;
        received.append(chunk.subarray(0, room));
        if (chunk.length > room) return "tooLarge";
        if (received.size > FREE_BYTES) await share.take(LIMITS.httpResponseBytes);
      }
      return "complete";
    } finally {
      share.giveBack();
      head.body.destroy();
    }
  }
  return { received, read };
}

function createShare(body: Readable, budget: ByteBudget, signal: AbortSignal) {
  let release: (() => void) | null = null;
  let timer: NodeJS.Timeout | undefined;
  return {
    async take(bytes: number): Promise<void> {
      if (release !== null) return;
      release = await budget.take(bytes, signal);
      timer = setTimeout(() => body.destroy(new SlowBody()), LARGE_BODY_MS);
    },
    giveBack(): void {
      clearTimeout(timer);
      release?.();
    },
  };
}
