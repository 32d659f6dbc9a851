// The other end of the http steps: counts every POST by its Idempotency-Key, and tells whoever is connected to its second
// port of each POST to `/end`, by `ref` and the time it came. So the end of an execution is known without asking the engine.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { monotonicMs } from "./clock.ts";
import { answerCalls } from "./process-calls.ts";

const ANSWER = '{"ok":true}';
const HEADERS = { "content-type": "application/json", "content-length": String(ANSWER.length) };

const seen = new Map<string, number>();
const listeners = new Set<Socket>();
let requests = 0;
let news = "";

const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    answer(outgoing);
    // Reached directly, to know what a bare round trip costs.
    if (incoming.url !== "/bare") record(incoming, Buffer.concat(chunks));
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
  seen.set(key, (seen.get(key) ?? 0) + 1);
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
  /** Since the last one: requests, distinct keys, and keys that came more than once. */
  counts() {
    let doubled = 0;
    for (const times of seen.values()) if (times > 1) doubled += 1;
    const counts = { requests, keys: seen.size, doubled };
    requests = 0;
    seen.clear();
    return counts;
  },
};
export type TargetCalls = typeof handlers;

answerCalls(handlers);
