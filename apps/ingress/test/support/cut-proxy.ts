// A TCP proxy before PostgreSQL that can take it away: at once, or just when it answers.

import { type Socket, connect, createServer } from "node:net";

export interface CutProxy {
  /** The URL with this proxy in place of its server. */
  readonly url: string;
  /** Cuts all connections and refuses new ones. */
  cut(): void;
  restore(): void;
  /** From now on what the server sends is swallowed, and the connection that it was sent on is cut. */
  swallowAnswers(): void;
  close(): Promise<void>;
}

export async function cutProxy(databaseUrl: string): Promise<CutProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let mode: "pass" | "cut" | "swallow" = "pass";
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || "5432"), target.hostname);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    if (mode === "cut") return end();
    client.on("data", (chunk) => upstream.write(chunk));
    upstream.on("data", (chunk) => (mode === "swallow" ? end() : client.write(chunk)));
    return undefined;
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await listening;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut() {
      mode = "cut";
      cutAll();
    },
    restore: () => void (mode = "pass"),
    swallowAnswers: () => void (mode = "swallow"),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cutAll();
      return closed;
    },
  };
}
