// What Node.js is told, since no test waits so long.
import type * as Http from "node:http";
import { createServer, type ServerOptions } from "node:http";
import { expect, it, vi } from "vitest";
import { createServiceServer } from "./service-server.ts";

// Files share their modules: what has imported the real one is read anew.
vi.hoisted(() => vi.resetModules());
vi.mock("node:http", async (original) => {
  const real = await original<typeof Http>();
  return { ...real, createServer: vi.fn<typeof real.createServer>(real.createServer) };
});

it("gives a request 20 s for its headers and 30 s for all of it, looked at every second", () => {
  createServiceServer({ app: () => {}, port: 0, bindAddress: "127.0.0.1" });
  const [options] = vi.mocked(createServer).mock.lastCall as unknown as [ServerOptions];
  expect(options).toMatchObject({ headersTimeout: 20_000, requestTimeout: 30_000, connectionsCheckingInterval: 1_000 });
});
