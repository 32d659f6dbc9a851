// A service's HTTP server: time-outs against slow senders, and a stop that no client notices.
//  S1. From the stop on each answer says `connection: close`, so that its client opens the next connection elsewhere.
//  S2. Connections are still accepted for the stop delay: whoever shares the load out must read first, at /readyz, that
//      this one stops.
//  S3. Only then are the connections that nobody has used meanwhile closed. A client that sends into one at that very
//      moment would see it reset.

import { type RequestListener, type Server, type ServerResponse, createServer } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as afterReading, setTimeout as wait } from "node:timers/promises";
import { answerClientErrors } from "./client-errors.ts";

export interface ServiceServer {
  /** Resolves with the port once connections are accepted; rejects with a plain sentence where it cannot. */
  listen(): Promise<{ readonly port: number }>;
  /**
   * Accepts nothing more once the stop delay is over, and resolves when the last running request has ended. When `signal`
   * aborts, connections that are left are cut. May be called more than once.
   */
  drain(signal: AbortSignal): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the 90 s after which a proxy lets go of an idle connection: it must never meet one that just closed. */
const KEEP_ALIVE_TIMEOUT_MS = 95_000;
const TIMEOUT_CHECK_MS = 1_000;
const MAX_REQUESTS_PER_SOCKET = 10_000;
const MAX_CONNECTIONS = 10_000;
/** So old, a connection that has carried no request yet is about to carry none; ms. */
const UNUSED_MS = 1_000;
const CLOSE_IDLE_EVERY_MS = 50;
/** Of the loop, to let in those who are connecting; as many as may wait at a port. */
const MAX_TURNS = 512;

export function createServiceServer(options: {
  readonly app: RequestListener;
  /** 0 for any free one. */
  readonly port: number;
  readonly bindAddress: string;
  /** How long a stop still answers new connections, for whoever shares the load out to notice; ms, default 0. */
  readonly stopDelayMs?: number;
  /** For tests; the defaults are 20 s for headers and 30 s for the whole of a request. */
  readonly timeouts?: { readonly headersMs: number; readonly requestMs: number; readonly checkEveryMs: number };
}): ServiceServer {
  const server = createServer(
    {
      headersTimeout: options.timeouts?.headersMs ?? HEADERS_TIMEOUT_MS,
      requestTimeout: options.timeouts?.requestMs ?? REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: options.timeouts?.checkEveryMs ?? TIMEOUT_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // Refused by the app, with a body.
      requireHostHeader: false,
    },
    options.app,
  );
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_SOCKET;
  server.maxConnections = MAX_CONNECTIONS;
  answerClientErrors(server);
  const traffic = watchTraffic(server);
  return {
    listen: () => listen(server, options.port, options.bindAddress),
    drain: (signal) => drain(server, traffic, options.stopDelayMs ?? 0, signal),
  };
}

async function listen(server: Server, port: number, bindAddress: string): Promise<{ port: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, bindAddress, resolve);
  try {
    await promise;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new Error(`Cannot listen on ${bindAddress}, port ${port} (${code}).`, { cause: error });
  } finally {
    server.removeListener("error", reject);
  }
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no TCP address.");
  return { port: address.port };
}

interface Traffic {
  /** Connections that have carried no request yet, and when they came: to node:http they are not idle. */
  readonly unused: ReadonlyMap<Socket, number>;
  /** Answers that are still to end. */
  readonly answers: ReadonlySet<ServerResponse>;
  /** Connections so far. */
  readonly accepted: () => number;
}

function watchTraffic(server: Server): Traffic {
  const unused = new Map<Socket, number>();
  const answers = new Set<ServerResponse>();
  let accepted = 0;
  server.on("connection", (socket) => {
    accepted += 1;
    unused.set(socket, performance.now());
    socket.once("close", () => unused.delete(socket));
  });
  server.on("request", (req, res) => {
    unused.delete(req.socket);
    answers.add(res);
    res.once("close", () => answers.delete(res));
  });
  return { unused, answers, accepted: () => accepted };
}

async function drain(server: Server, traffic: Traffic, stopDelayMs: number, signal: AbortSignal): Promise<void> {
  if (!server.listening) return;
  server.prependListener("request", (_req, res) => res.setHeader("connection", "close"));
  for (const answer of traffic.answers) if (!answer.headersSent) answer.setHeader("connection", "close");
  if (stopDelayMs > 0) await wait(stopDelayMs, undefined, { signal }).catch(() => undefined);
  await takeIn(traffic);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const cut = () => server.closeAllConnections();
  signal.addEventListener("abort", cut, { once: true });
  server.close(() => resolve());
  const closing = setInterval(() => setImmediate(() => closeUnused(server, traffic.unused)), CLOSE_IDLE_EVERY_MS);
  if (signal.aborted) cut();
  await closed;
  clearInterval(closing);
  signal.removeEventListener("abort", cut);
}

/**
 * Whoever has connected by now is let in, and what has arrived is read: a queue of connections that is closed over is
 * reset, and so is a connection closed over what has not been read. One connection is taken in at each turn of the loop.
 */
async function takeIn(traffic: Traffic): Promise<void> {
  let before = -1;
  for (let turns = 0; turns < MAX_TURNS && traffic.accepted() !== before; turns += 1) {
    before = traffic.accepted();
    await afterReading();
  }
}

/** Without their help: one that is kept alive would hold the server open for 95 s. */
function closeUnused(server: Server, unused: ReadonlyMap<Socket, number>): void {
  server.closeIdleConnections();
  const before = performance.now() - UNUSED_MS;
  for (const [socket, openedMs] of unused) if (socket.bytesRead === 0 && openedMs < before) socket.destroy();
}
