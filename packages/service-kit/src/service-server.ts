// A service's HTTP server: time-outs against slow senders, and a stop that lets running requests end.

import { type RequestListener, type Server, createServer } from "node:http";
import type { Socket } from "node:net";
import { answerClientErrors } from "./client-errors.ts";

export interface ServiceServer {
  /** Resolves with the port once connections are accepted; rejects with a plain sentence where it cannot. */
  listen(): Promise<{ readonly port: number }>;
  /**
   * Accepts nothing more and resolves when the last running request has ended. When `signal` aborts, connections that are
   * left are cut. May be called more than once.
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

export function createServiceServer(options: {
  readonly app: RequestListener;
  /** 0 for any free one. */
  readonly port: number;
  readonly bindAddress: string;
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
  const unused = trackUnused(server);
  return {
    listen: () => listen(server, options.port, options.bindAddress),
    drain: (signal) => drain(server, unused, signal),
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

/** Connections that have not carried a request yet: to node:http they are not idle, and would hold a drain for 20 s. */
function trackUnused(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on("connection", (socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  server.on("request", (req) => unused.delete(req.socket));
  return unused;
}

async function drain(server: Server, unused: ReadonlySet<Socket>, signal: AbortSignal): Promise<void> {
  if (!server.listening) return;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  // A kept-alive connection would hold the server open: say so in the answers to come, and close what has become idle.
  server.prependListener("request", (_req, res) => res.setHeader("connection", "close"));
  const closeIdle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = () => server.closeAllConnections();
  signal.addEventListener("abort", cut, { once: true });
  server.close(() => resolve());
  for (const socket of unused) if (socket.bytesRead === 0) socket.destroy();
  if (signal.aborted) cut();
  await closed;
  clearInterval(closeIdle);
  signal.removeEventListener("abort", cut);
}
