// The other end of the http steps: counts every POST by its Idempotency-Key, and tells whoever is connected to its second
// port of each POST to `/end`, by `ref` and the time it came. So the end of an execution is known without asking the engine.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { monotonicMs } from "./clock.ts";
import { answerCalls } from "./process-calls.ts";

const ANSWER = '{"ok":true}';
const HEADERS = { "content-type": "application/json", "content-length": String(ANSWER.length) };

/** By key, when it came. */
const seen = new Map<string, number[]>();
const listeners = new Set<Socket>();
let requests = 0;
let news = "";
let delayMs = 0;

const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    // Reached directly, to know what a bare round trip costs.
    const isBare = incoming.url === "/bare";
    if (delayMs === 0 || isBare) answer(outgoing);
    else setTimeout(() => answer(outgoing), delayMs);
    if (!isBare) record(incoming, Buffer.concat(chunks));
  });
});
server.keepAliveTimeout = 60_000;
const newsServer = createTcpServer((socket) => {
  socket.setNoDelay(true);
  listeners.add(socket);
  socket.on("close", () => listeners.delete(socket));
  socket.on("error", () => listeners.delete(socket));
});

function answer(outgoing: ServerResponse): void {
  outgoing.writeHead(200, HEADERS);
  outgoing.end(ANSWER);
}

function record(incoming: IncomingMessage, body: Buffer): void {
  const at = monotonicMs();
  const key = String(incoming.headers["idempotency-key"]);
  requests += 1;
  const times = seen.get(key);
  if (times === undefined) seen.set(key, [at]);
  else times.push(at);
  if (incoming.url !== "/end") return;
  const { ref } = JSON.parse(body.toString("utf8")) as { ref: string };
  if (news === "") setImmediate(tell);
  news += `${ref} ${at}\n`;
}

function tell(): void {
  for (const socket of listeners) socket.write(news);
  news = "";
}

async function listen(on: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    on.listen(0, "127.0.0.1", resolve);
  });
  return (on.address() as AddressInfo).port;
}

const handlers = {
  async open() {
    return { port: await listen(server), newsPort: await listen(newsServer) };
  },
  /** From now on it answers so much later; ms. */
  delay(ms: number) {
    delayMs = ms;
  },
  /** Since the last `counts`: keys that came more than once, each with the monotonic ms at which it came. */
  repeats(): Repeat[] {
    return [...seen].flatMap(([key, at]) => (at.length > 1 ? [{ key, at }] : []));
  },
  /** Since the last one: requests, distinct keys, and keys that came more than once. */
  counts() {
    let doubled = 0;
    for (const times of seen.values()) if (times.length > 1) doubled += 1;
    const counts = { requests, keys: seen.size, doubled };
    requests = 0;
    seen.clear();
    return counts;
  },
};
export interface Repeat {
  readonly key: string;
  readonly at: readonly number[];
}
export type TargetCalls = typeof handlers;

answerCalls(handlers);
