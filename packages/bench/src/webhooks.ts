// Sends signed webhooks over connections kept alive, and learns from the target when what they started is done.
import { createHmac, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Pool } from "undici";
import { monotonicMs } from "./clock.ts";
import { payloadOf } from "./workflows.ts";

export interface Hook {
  readonly url: string;
  /** `whsec_…`, as Standard Webhooks has it. */
  readonly secret: string;
  /** POSTs to `/end` that one webhook leads to. */
  readonly ends: number;
}

export interface Sent {
  readonly accepted: boolean;
  readonly sentAt: number;
  readonly ackMs: number;
  /** When the last of its POSTs came, in monotonic ms; never settles for one that was refused or is lost. */
  readonly done: Promise<number>;
}

export interface Sender {
  /** Sends one and resolves when it is answered. `until` is for the workload of delays. */
  readonly send: (until?: string) => Promise<Sent>;
  readonly close: () => Promise<void>;
}

/** What all senders of this process share: who waits for which execution, and what was accepted. */
export interface Book {
  readonly waiting: Map<string, { left: number; resolve: (at: number) => void }>;
  readonly executionIds: Set<string>;
  accepted: number;
  refused: number;
  /** An answer or its first few words, by how often it came. */
  readonly refusals: Map<string, number>;
}

export function createBook(): Book {
  return { waiting: new Map(), executionIds: new Set(), accepted: 0, refused: 0, refusals: new Map() };
}

/** Hears from the target; resolves once connected. */
export async function hearNews(port: number, book: Book): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  createInterface({ input: socket }).on("line", (line) => {
    const [ref = "", at] = line.split(" ");
    const one = book.waiting.get(ref);
    if (one === undefined) return;
    one.left -= 1;
    if (one.left > 0) return;
    book.waiting.delete(ref);
    one.resolve(Number(at));
  });
}

export function createSender(hook: Hook, connections: number, book: Book): Sender {
  const { origin, pathname: path } = new URL(hook.url);
  const pool = new Pool(origin, { connections, pipelining: 1, keepAliveTimeout: 30_000 });
  const key = Buffer.from(hook.secret.replace(/^whsec_/, ""), "base64");
  const sign = (id: string, seconds: string, body: string): string =>
    `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;

  async function send(until?: string): Promise<Sent> {
    const ref = randomBytes(9).toString("base64url");
    const body = payloadOf(ref, until);
    const seconds = String(Math.floor(Date.now() / 1000));
    const { promise: done, resolve } = Promise.withResolvers<number>();
    const headers = {
      "content-type": "application/json",
      "webhook-id": `msg_${ref}`,
      "webhook-timestamp": seconds,
      "webhook-signature": sign(`msg_${ref}`, seconds, body),
    };
    book.waiting.set(ref, { left: hook.ends, resolve });
    const sentAt = monotonicMs();
    const answer = await post(path, headers, body);
    const ackMs = monotonicMs() - sentAt;
    if (answer.status === 202) {
      book.accepted += 1;
      book.executionIds.add((JSON.parse(answer.text) as { executionId: string }).executionId);
      return { accepted: true, sentAt, ackMs, done };
    }
    book.waiting.delete(ref);
    book.refused += 1;
    const words = `${answer.status} ${answer.text.slice(0, 120)}`;
    book.refusals.set(words, (book.refusals.get(words) ?? 0) + 1);
    return { accepted: false, sentAt, ackMs, done };
  }

  async function post(
    path: string,
    headers: Record<string, string>,
    body: string,
  ): Promise<{ status: number; text: string }> {
    try {
      const response = await pool.request({ path, method: "POST", headers, body });
      return { status: response.statusCode, text: await response.body.text() };
    } catch (error) {
      return { status: 0, text: String(error) };
    }
  }

  return { send, close: () => pool.destroy() };
}
