// A TCP proxy before Redis that can take it away, or leave its clients without an answer.

import { type Socket, connect, createServer } from "node:net";
import { onTestFinished } from "vitest";

export interface RedisProxy {
  readonly url: string;
  /** Cuts all connections and refuses new ones. */
  cut(): void;
  /** Connections stay, and nothing comes back on them. */
  hang(): void;
  restore(): void;
}

/** Until the test has ended. */
export async function redisProxy(redisUrl: string): Promise<RedisProxy> {
  const target = new URL(redisUrl);
  const sockets = new Set<Socket>();
  let mode: "pass" | "hang" | "cut" = "pass";
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || "6379"), target.hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => sockets.delete(socket) && other.destroy());
    }
    if (mode === "cut") client.destroy();
    client.on("data", (chunk) => upstream.write(chunk));
    upstream.on("data", (chunk) => mode !== "hang" && client.write(chunk));
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await listening;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    server.close();
    cutAll();
  });
  const url = new URL(redisUrl);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return {
    url: url.href,
    cut() {
      mode = "cut";
      cutAll();
    },
    hang: () => void (mode = "hang"),
    restore() {
      mode = "pass";
    },
  };
}
