// What http steps call: answers as the URL says, and keeps what each Idempotency-Key was sent with and when.
//  The n-th request of a key fails while n is at most `failures`, whoever sent it: an attempt that a crash has cut off and
//  that is made again brings the end nearer and changes none.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { answerOf } from "./plan.ts";

export interface KeyRecord {
  /** Of method, URL and body: one, if every attempt sent the same. */
  readonly bytes: Set<string>;
  /** When each request came; ms since the epoch. */
  readonly arrivedAt: number[];
}

export interface Target {
  readonly url: string;
  readonly byKey: ReadonlyMap<string, KeyRecord>;
  /** Requests without a key, and what could not be answered. */
  readonly strange: readonly string[];
  close(): Promise<void>;
}

export async function startTarget(): Promise<Target> {
  const byKey = new Map<string, KeyRecord>();
  const strange: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // The worker that asked has died.
      if (!request.destroyed || request.complete) strange.push(String(error));
      response.destroy();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const key = request.headers["idempotency-key"];
    if (typeof key !== "string") return void strange.push(`${request.method} ${request.url} came without a key.`);
    const record = byKey.get(key) ?? { bytes: new Set(), arrivedAt: [] };
    byKey.set(key, record);
    record.arrivedAt.push(Date.now());
    record.bytes.add(createHash("sha256").update(`${request.method} ${request.url}\n`).update(body).digest("hex"));
    const asked = new URL(request.url ?? "/", "http://target").searchParams;
    const failures = asked.get("failures") === "always" ? Infinity : Number(asked.get("failures"));
    const fails = record.arrivedAt.length <= failures;
    const delayMs = Number(asked.get("delayMs"));
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const how = asked.get("how") ?? "";
    if (fails && how === "reset") return void response.socket?.resetAndDestroy();
    response.setHeader("content-type", "application/json");
    response.statusCode = fails && how !== "refuse" ? Number(how) : 200;
    const { v } = JSON.parse(body.toString("utf8")) as { v: number };
    response.end(JSON.stringify(fails ? { refused: true } : { v: answerOf(v) }));
  }

  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The target has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    byKey,
    strange,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
