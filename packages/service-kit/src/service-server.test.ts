// Real sockets: what a client sees when its request is broken or slow, and while the server stops.

import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { type Socket, connect } from "node:net";
import { json, text } from "node:stream/consumers";
import { setImmediate as nextAnswers } from "node:timers/promises";
import express, { type Express } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { type ServiceServer, createServiceServer } from "./service-server.ts";

const CUT_AT_ONCE = AbortSignal.abort();
const NEVER = new AbortController().signal;
const servers: ServiceServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.drain(CUT_AT_ONCE)));
});

describe("broken requests", () => {
  it.each([
    ["no HTTP at all", "hello\r\n\r\n", 400, "MALFORMED_HTTP"],
    ["an unknown version", "GET / HTTP/9.9\r\n\r\n", 400, "MALFORMED_HTTP"],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
      400,
      "MALFORMED_HTTP",
    ],
    [
      "a length beside chunks",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
      "MALFORMED_HTTP",
    ],
    ["headers over 16 KiB", `GET / HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(20_000)}\r\n\r\n`, 431, "HEADERS_TOO_LARGE"],
  ])("with %s are answered as problem+json and closed", async (_what, bytes, status, code) => {
    const { port } = await serve(express());
    const answer = parseAnswer(await exchange(port, bytes));
    expect(answer.head).toContain(`HTTP/1.1 ${status} `);
    expect(answer.head).toContain("content-type: application/problem+json");
    expect(answer.body).toMatchObject({ code, status, requestId: expect.any(String) });
  });

  it("are answered on a connection that served a good one before", async () => {
    const app = express().get("/", (_req, res) => void res.end("fine"));
    const { port } = await serve(app);
    const socket = connect(port, "127.0.0.1");
    const received = text(socket);
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(socket, "data");
    socket.write("nonsense\r\n\r\n");
    expect(await received).toMatch(/fine.*HTTP\/1\.1 400 /s);
  });
});

describe("slow requests", () => {
  const slow = { timeouts: { headersMs: 60, requestMs: 120, checkEveryMs: 20 } };

  it("are answered 408 when their headers do not come to an end", async () => {
    const { port } = await serve(express(), slow);
    const answer = parseAnswer(await exchange(port, "GET / HTTP/1.1\r\nhost: a\r\n"));
    expect(answer.head).toContain("HTTP/1.1 408 ");
    expect(answer.body).toMatchObject({ code: "REQUEST_TIMEOUT" });
  });

  it("are answered 408 when their body does not come to an end", async () => {
    const { port } = await serve(express().post("/", express.raw({ type: () => true })), slow);
    const answer = parseAnswer(await exchange(port, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc"));
    expect(answer.head).toContain("HTTP/1.1 408 ");
  });

  it("get nothing written into an answer that had begun", async () => {
    const app = express().post("/", (_req, res) => void res.write("partial"));
    const { port } = await serve(app, slow);
    const received = await exchange(port, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc");
    expect(received).toContain("partial");
    expect(received).not.toContain("408");
  });
});

describe("drain", () => {
  it("lets a running request end, closes idle connections, and accepts no new one", async () => {
    const held = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const app = express().get("/slow", async (_req, res) => {
      entered.resolve();
      await held.promise;
      res.end("done");
    });
    const { port, server } = await serve(app);
    const idle = await opened(connect(port, "127.0.0.1"));
    const answer = fetch(`http://127.0.0.1:${port}/slow`);
    await entered.promise;
    let drained = false;
    const draining = server.drain(NEVER).then(() => (drained = true));
    await once(idle.resume(), "close");
    await expect(opened(connect(port, "127.0.0.1"))).rejects.toThrow("ECONNREFUSED");
    expect(drained).toBe(false);
    held.resolve();
    expect(await (await answer).text()).toBe("done");
    await draining;
  });

  it("closes a kept-alive connection with the answer that ends on it", async () => {
    const held = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const app = express().get("/", async (_req, res) => {
      entered.resolve();
      await held.promise;
      res.end("slow");
    });
    const { port, server } = await serve(app);
    const received = exchange(port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await entered.promise;
    const draining = server.drain(NEVER);
    held.resolve();
    expect(await received).toMatch(/slow/);
    await draining;
  });

  it("cuts what is left when its signal aborts", async () => {
    const entered = Promise.withResolvers<void>();
    const { port, server } = await serve(express().get("/", () => entered.resolve()));
    const answer = fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error);
    await entered.promise;
    const letGo = new AbortController();
    const draining = server.drain(letGo.signal);
    letGo.abort();
    await draining;
    expect(await answer).toBeInstanceOf(Error);
  });

  it("says so in an answer that was under way as it began, too", async () => {
    const held = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const app = express().get("/", async (_req, res) => {
      entered.resolve();
      await held.promise;
      res.end("slow");
    });
    const { port, server } = await serve(app, { stopDelayMs: 60_000 });
    const received = exchange(port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await entered.promise;
    const letGo = new AbortController();
    const draining = server.drain(letGo.signal);
    held.resolve();
    expect((await received).toLowerCase()).toContain("connection: close");
    letGo.abort();
    await draining;
  });

  it("resets nobody who sends without a pause on connections kept alive, and stops once it is said to be unready", async () => {
    let stopAtMs = Infinity;
    const app = express().post("/", express.raw({ type: () => true }), (_req, res) => {
      res.json({ stopping: performance.now() > stopAtMs });
    });
    const { port, server } = await serve(app, { stopDelayMs: 400 });
    const agent = new Agent({ keepAlive: true });
    let answered = 0;
    let lastOnes = 0;
    const senders = Array.from({ length: 20 }, async () => {
      // So long it takes whoever shares out the load to look at /readyz again.
      while (performance.now() < stopAtMs + 200) {
        const answer = await sent(port, agent);
        answered += 1;
        if (!answer.stopping) continue;
        lastOnes += 1;
        expect(answer.connection).toBe("close");
      }
    });
    while (answered < 200) await nextAnswers();
    const unused = await opened(connect(port, "127.0.0.1"));
    stopAtMs = performance.now();
    const draining = server.drain(NEVER);
    await Promise.all(senders);
    expect(lastOnes).toBeGreaterThan(0);
    // One that was open all the while is served like a new one.
    unused.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(await text(unused)).toContain("HTTP/1.1 404");
    await draining;
    await expect(opened(connect(port, "127.0.0.1"))).rejects.toThrow("ECONNREFUSED");
    agent.destroy();
  });

  it("may be asked for twice", async () => {
    const { server } = await serve(express());
    expect(await Promise.all([server.drain(NEVER), server.drain(NEVER)])).toEqual([undefined, undefined]);
  });
});

it("says in a sentence which port it cannot listen on", async () => {
  const { port } = await serve(express());
  const second = createServiceServer({ app: express(), port, bindAddress: "127.0.0.1" });
  await expect(second.listen()).rejects.toThrow(`Cannot listen on 127.0.0.1, port ${port} (EADDRINUSE).`);
});

it("listens on its own address alone", async () => {
  const { port } = await serve(express().get("/", (_req, res) => void res.end("here")));
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("here");
  await expect(opened(connect(port, "127.0.0.2"))).rejects.toThrow();
});

async function serve(app: Express, more: Partial<Parameters<typeof createServiceServer>[0]> = {}) {
  const server = createServiceServer({ app, port: 0, bindAddress: "127.0.0.1", ...more });
  servers.push(server);
  return { server, ...(await server.listen()) };
}

/** Sends the bytes and gives all that comes back until the server closes. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  return text(socket);
}

function parseAnswer(received: string): { head: string; body: unknown } {
  const end = received.indexOf("\r\n\r\n");
  return { head: received.slice(0, end), body: JSON.parse(received.slice(end + 4)) };
}

async function opened(socket: Socket): Promise<Socket> {
  await once(socket, "connect");
  return socket;
}

/** Rejects where the connection is refused or reset, as a proxy would have to answer 502. */
async function sent(port: number, agent: Agent): Promise<{ stopping: boolean; connection: string | undefined }> {
  const outgoing = request({ port, host: "127.0.0.1", method: "POST", agent });
  outgoing.end("x".repeat(1_000));
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  return { ...((await json(incoming)) as { stopping: boolean }), connection: incoming.headers.connection };
}
