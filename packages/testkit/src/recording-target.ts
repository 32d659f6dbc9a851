// An http server on 127.0.0.1 that records what it is sent and answers as the test says.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface RecordedRequest {
  /** 0-based, in the order of arrival. */
  readonly index: number;
  readonly at: Date;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly path: string;
  /** Names in lower case; a repeated header's values are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The raw bytes. */
  readonly body: Buffer;
  /** The body as JSON; throws if it is none. */
  readonly json: () => unknown;
}

/** How to answer one request. */
export type Answer =
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** A string or bytes are sent as they are, anything else as JSON. */
      readonly body?: unknown;
      /** Waits before the answer. */
      readonly delayMs?: number;
    }
  /** Never answers; the connection stays open until the other side or `close` ends it. */
  | "hang"
  /** Cuts the connection without an answer. */
  | "reset"
  /** Sends the head and half of a body, then cuts the connection. */
  | "truncate";

export type Answerer = (request: RecordedRequest) => Answer | Promise<Answer>;

export interface RecordingTarget {
  /** `http://127.0.0.1:port`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly RecordedRequest[];
  /** Those to one path. */
  readonly to: (path: string) => readonly RecordedRequest[];
  /** Replaces the answers from now on; an array answers in order, its last one for ever after. */
  readonly answer: (next: Answerer | Answer | readonly Answer[]) => void;
  /** Connections open at the moment. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** Starts one on a free port. Without `answers` it answers 200 `{}`. */
export async function recordingTarget(
  answers: Answerer | Answer | readonly Answer[] = { status: 200, body: {} },
): Promise<RecordingTarget> {
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  let answerer = toAnswerer(answers);
  const server = createServer((incoming, outgoing) => {
    void handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = record(incoming, await readBody(incoming), requests.length);
    requests.push(request);
    await send(await answerer(request), outgoing);
  }

  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    to: (path) => requests.filter((request) => request.path === path),
    answer(next) {
      answerer = toAnswerer(next);
    },
    connections: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function toAnswerer(answers: Answerer | Answer | readonly Answer[]): Answerer {
  if (typeof answers === "function") return answers;
  if (!isList(answers)) return () => answers;
  let next = 0;
  return () => {
    const answer = answers[Math.min(next, answers.length - 1)];
    next += 1;
    return answer ?? { status: 200, body: {} };
  };
}

function isList(answers: Answer | readonly Answer[]): answers is readonly Answer[] {
  return Array.isArray(answers);
}

function record(incoming: IncomingMessage, body: Buffer, index: number): RecordedRequest {
  const url = incoming.url ?? "/";
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, [value].flat().join(", ")]);
  return {
    index,
    at: new Date(),
    method: incoming.method ?? "GET",
    url,
    path: url.split("?")[0] ?? url,
    headers: Object.fromEntries(headers),
    body,
    json: () => JSON.parse(body.toString("utf8")) as unknown,
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function send(answer: Answer, outgoing: ServerResponse): Promise<void> {
  if (answer === "hang") return;
  if (answer === "reset") {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  if (answer === "truncate") {
    outgoing.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    outgoing.write('{"half":', () => outgoing.socket?.destroy());
    return;
  }
  const { status = 200, headers = {}, body, delayMs = 0 } = answer;
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  const raw = typeof body === "string" || Buffer.isBuffer(body);
  const bytes = raw ? body : body === undefined ? "" : JSON.stringify(body);
  const type: Record<string, string> = raw || body === undefined ? {} : { "content-type": "application/json" };
  outgoing.writeHead(status, { ...type, ...headers });
  outgoing.end(bytes);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The target has no TCP port.");
  return address.port;
}
