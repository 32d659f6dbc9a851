// What the network can do to an attempt: each failure has its code, and says whether the request may have arrived.
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { aRequest, someOptions, startClient, startRawTarget, startTarget } from "../fixtures/target.ts";
import {
  EXPIRED_CERTIFICATE,
  FUTURE_CERTIFICATE,
  OTHER_TIMES_KEY,
  TEST_CERTIFICATE,
  TEST_KEY,
} from "../fixtures/tls.ts";

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";

async function startTlsTarget(options: ServerOptions = {}): Promise<number> {
  const server = createTlsServer(
    { key: TEST_KEY, cert: TEST_CERTIFICATE, ...options },
    (_, response) => void response.end("secure"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe("a network failure", () => {
  it("before anything is sent is retried and not in doubt: refused, unknown name", async () => {
    const closed = await startTlsTarget();
    const nowhere = startClient({
      lookup: async () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })),
    });
    const refused = await startClient({ egressAllow: ["127.0.0.0/8"] }).perform(
      aRequest(`http://127.0.0.9:${closed}/`),
      someOptions(),
    );
    const unknown = await nowhere.perform(aRequest("http://gone.example/"), someOptions());
    expect(refused.outcome).toMatchObject({
      error: { code: "HTTP_NETWORK", message: `The connection was refused by 127.0.0.9:${closed} (ECONNREFUSED).` },
      retryable: true,
      inDoubt: false,
    });
    expect(unknown.outcome).toMatchObject({
      error: { code: "HTTP_NETWORK", message: "The name of gone.example could not be resolved (ENOTFOUND)." },
      retryable: true,
      inDoubt: false,
    });
    expect(refused.response).toBeNull();
  });

  it.each([
    ["a reset before the answer", (end: () => void) => end(), ""],
    ["a close before the answer", (_: () => void, close: () => void) => close(), ""],
    ["half a status line", (_: () => void, close: () => void) => close(), "HTTP/1.1 2"],
    [
      "a body shorter than announced",
      (_: () => void, close: () => void) => close(),
      `${HEAD}content-length: 10\r\n\r\nabc`,
    ],
    [
      "a cut in the chunks",
      (_: () => void, close: () => void) => close(),
      `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nab`,
    ],
    ["what is not HTTP", (_: () => void, close: () => void) => close(), "SSH-2.0-OpenSSH_9.6\r\n"],
    [
      "a doubled length",
      (_: () => void, close: () => void) => close(),
      `${HEAD}content-length: 3\r\ncontent-length: 4\r\n\r\nabc`,
    ],
  ])("after sending is retried and in doubt: %s", async (_, finish, bytes) => {
    const target = await startRawTarget((socket) => {
      if (bytes === "")
        finish(
          () => socket.resetAndDestroy(),
          () => socket.end(),
        );
      else
        socket.write(bytes, () =>
          finish(
            () => socket.resetAndDestroy(),
            () => socket.end(),
          ),
        );
    });
    const { outcome } = await startClient().perform(
      aRequest(target.origin, { method: "POST", body: {} }),
      someOptions(),
    );
    expect(outcome).toMatchObject({ error: { code: "HTTP_NETWORK" }, retryable: true, inDoubt: true });
  });

  it("in the midst of the answer leaves what has come in the record", async () => {
    const target = await startRawTarget((socket) => void socket.end(`${HEAD}content-length: 10\r\n\r\nabc`));
    const { response } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(response).toEqual({
      status: 200,
      headers: { "content-type": "text/plain", "content-length": "10" },
      bytes: 3,
      body: "abc",
      truncated: true,
    });
  });

  it("is none where an answer without a length ends with its connection", async () => {
    const target = await startRawTarget((socket) => void socket.end(`HTTP/1.0 200 OK\r\n\r\nold`));
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ kind: "succeeded", output: { body: "old" } });
  });

  it("is none where hints come before the answer", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(50);
    const target = await startRawTarget((socket) => void socket.end(`${hints}${HEAD}content-length: 2\r\n\r\nok`));
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ kind: "succeeded", output: { body: "ok" } });
  });

  it.each([
    ["one header that is too large", `x-large: ${"x".repeat(64 * 1024)}\r\n`],
    ["too many headers", "x: y\r\n".repeat(10_000)],
    ["headers without an end", "x: y\r\n".repeat(200_000)],
  ])("is TOO_LARGE and not retried for %s", async (_, headers) => {
    const target = await startRawTarget((socket) => void socket.write(`${HEAD}${headers}\r\n`));
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ error: { code: "TOO_LARGE" }, retryable: false });
  });
});

describe("what comes around the answer", () => {
  it("is given up where hints flood it, long before the attempt's time is over", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(1_000);
    const target = await startRawTarget((socket) => {
      const feed = () => {
        while (!socket.destroyed && socket.write(hints));
      };
      socket.on("drain", feed);
      feed();
    });
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions({ timeoutMs: 3_600_000 }));
    expect(outcome).toMatchObject({ error: { code: "TOO_LARGE" }, retryable: false });
    await expect.poll(() => target.sockets.every((socket) => socket.destroyed)).toBe(true);
  });

  it("is given up where trailers have no end", async () => {
    const head = `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n`;
    const target = await startRawTarget((socket) => void socket.write(head + "x-more: y\r\n".repeat(20_000)));
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "TOO_LARGE" }, retryable: false });
  });

  it("is bounded by the attempt's time where a chunk's extension has no end", async () => {
    const target = await startRawTarget((socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n2;x=`);
      const timer = setInterval(() => socket.write("y".repeat(1_000)), 5);
      socket.on("close", () => clearInterval(timer));
    });
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions({ timeoutMs: 200 }));
    expect(outcome).toMatchObject({ kind: "failed" });
    await expect.poll(() => target.sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });
});

describe("a fault of the program", () => {
  it("is told to who asks, and is a failure that says whether anything was sent, without the fault's own text", async () => {
    const faults: unknown[] = [];
    const fault = new TypeError("no such thing as hunter22");
    const lookup = () => Promise.reject(fault);
    const client = startClient({ lookup, onFault: (error) => void faults.push(error) });
    const { outcome } = await client.perform(aRequest("http://name.example/"), someOptions());
    expect(outcome).toMatchObject({ error: { code: "HTTP_NETWORK" }, retryable: true, inDoubt: false });
    expect(JSON.stringify(outcome)).not.toContain("hunter22");
    expect(faults).toEqual([fault]);
  });
});

describe("TLS", () => {
  it("that is not trusted is refused, not retried, and nothing is sent", async () => {
    const tls = await startTlsTarget();
    const plain = await startTarget((_, response) => void response.end("ok"));
    for (const port of [tls, plain.port]) {
      const { outcome } = await startClient().perform(aRequest(`https://127.0.0.1:${port}/`), someOptions());
      expect(outcome).toMatchObject({ error: { code: "HTTP_NETWORK" }, retryable: false, inDoubt: false });
      expect(outcome.kind === "failed" && outcome.error.message).toContain(
        `No trusted TLS connection to 127.0.0.1:${port}`,
      );
    }
  });

  it("is checked against the name of the URL", async () => {
    const port = await startTlsTarget();
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, TEST_CERTIFICATE]);
    onTestFinished(() => setDefaultCACertificates(before));
    const client = startClient({ lookup: async () => [{ address: "127.0.0.1", family: 4 }] });
    const right = await client.perform(aRequest(`https://tls.example:${port}/`), someOptions());
    const wrong = await client.perform(aRequest(`https://other.example:${port}/`), someOptions());
    expect(right.outcome).toMatchObject({ kind: "succeeded", output: { body: "secure" } });
    expect(wrong.outcome).toMatchObject({ error: { code: "HTTP_NETWORK" }, retryable: false, inDoubt: false });
  });
});

describe("TLS that is out of time or out of date", () => {
  it.each([
    ["an expired certificate", { key: OTHER_TIMES_KEY, cert: EXPIRED_CERTIFICATE }, "CERT_HAS_EXPIRED"],
    ["one that is not valid yet", { key: OTHER_TIMES_KEY, cert: FUTURE_CERTIFICATE }, "CERT_NOT_YET_VALID"],
    [
      "a protocol that is no longer spoken",
      { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const,
      "ERR_SSL_",
    ],
    ["ciphers that nobody shares", { maxVersion: "TLSv1.2", ciphers: "AES128-SHA" } as const, "ERR_SSL_"],
  ])("is refused and not retried, and nothing is sent: %s", async (_, options, code) => {
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, TEST_CERTIFICATE, EXPIRED_CERTIFICATE, FUTURE_CERTIFICATE]);
    onTestFinished(() => setDefaultCACertificates(before));
    const port = await startTlsTarget(options);
    const client = startClient({ lookup: async () => [{ address: "127.0.0.1", family: 4 }] });
    const { outcome } = await client.perform(aRequest(`https://tls.example:${port}/`), someOptions());
    expect(outcome).toMatchObject({ error: { code: "HTTP_NETWORK" }, retryable: false, inDoubt: false });
    expect(outcome.kind === "failed" && outcome.error.message).toContain(`No trusted TLS connection`);
    expect(outcome.kind === "failed" && outcome.error.message).toContain(code);
  });
});

describe("the attempt's time", () => {
  const drip = () =>
    startRawTarget((socket) => {
      socket.write(`${HEAD}content-length: 1000\r\n\r\n`);
      const timer = setInterval(() => socket.write("x"), 5);
      socket.on("close", () => clearInterval(timer));
    });

  it.each([
    ["an answer that never begins", () => startRawTarget(() => undefined)],
    ["an answer that never ends", drip],
    ["hints without an end", () => startRawTarget((socket) => void socket.write("HTTP/1.1 102 Processing\r\n\r\n"))],
    ["headers without an end", () => startRawTarget((socket) => void socket.write("HTTP/1.1 200 OK\r\nx: "))],
  ])("ends %s, closes the socket, and leaves it in doubt", async (_, start) => {
    const target = await start();
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions({ timeoutMs: 100 }));
    expect(outcome).toMatchObject({
      error: { code: "STEP_TIMEOUT", message: "No complete answer within 100 ms, after the request was sent." },
      retryable: true,
      inDoubt: true,
    });
    await expect.poll(() => target.sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });

  it("ends a look-up that never answers, with nothing sent and nothing in doubt", async () => {
    const client = startClient({ lookup: () => new Promise(() => undefined) });
    const { outcome } = await client.perform(aRequest("http://slow.example/"), someOptions({ timeoutMs: 50 }));
    expect(outcome).toMatchObject({ error: { code: "STEP_TIMEOUT" }, retryable: true, inDoubt: false });
  });

  it("may be longer than a timer can run", async () => {
    const target = await startTarget((_, response) => void response.end("ok"));
    const { outcome } = await startClient().perform(
      aRequest(target.origin),
      someOptions({ timeoutMs: 365 * 86_400_000 }),
    );
    expect(outcome.kind).toBe("succeeded");
  });
});

describe("aborting", () => {
  it("before it begins sends nothing", async () => {
    const target = await startTarget((_, response) => void response.end("ok"));
    const { outcome } = await startClient().perform(
      aRequest(target.origin),
      someOptions({ signal: AbortSignal.abort() }),
    );
    expect(outcome).toMatchObject({ kind: "failed", inDoubt: false });
    expect(target.seen).toHaveLength(0);
  });

  it("while it connects sends nothing, then or later", async () => {
    const target = await startTarget((_, response) => void response.end("ok"));
    const abort = new AbortController();
    let answer: (addresses: { address: string; family: number }[]) => void = () => undefined;
    const client = startClient({ lookup: () => new Promise((resolve) => (answer = resolve)) });
    const attempt = client.perform(
      aRequest(`http://late.example:${target.port}/`),
      someOptions({ signal: abort.signal }),
    );
    abort.abort();
    expect((await attempt).outcome).toMatchObject({ kind: "failed", inDoubt: false });
    answer([{ address: "127.0.0.1", family: 4 }]);
    const next = client.perform(aRequest(`http://late.example:${target.port}/next`), someOptions());
    answer([{ address: "127.0.0.1", family: 4 }]);
    await next;
    expect(target.seen.map((seen) => seen.url)).toEqual(["/next"]);
  });

  it("closes the socket at once and leaves the attempt in doubt", async () => {
    const abort = new AbortController();
    const target = await startRawTarget(() => abort.abort());
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions({ signal: abort.signal }));
    expect(outcome).toMatchObject({ kind: "failed", inDoubt: true });
    await expect.poll(() => target.sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });

  it("closes the socket in the midst of an answer", async () => {
    const abort = new AbortController();
    const target = await startRawTarget((socket) => {
      socket.write(`${HEAD}content-length: 10\r\n\r\nabc`, () => setTimeout(() => abort.abort(), 20));
    });
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions({ signal: abort.signal }));
    expect(outcome).toMatchObject({ kind: "failed", inDoubt: true });
    await expect.poll(() => target.sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });

  it("leaves no listener on a signal that lives longer than the attempt", async () => {
    const target = await startTarget((_, response) => void response.end("ok"));
    const { signal } = new AbortController();
    const added: unknown[] = [];
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, listener: () => void) => (added.push(listener), add(type, listener));
    signal.removeEventListener = (type: string, listener: () => void) => (
      added.splice(added.indexOf(listener), 1),
      remove(type, listener)
    );
    await startClient().perform(aRequest(target.origin), someOptions({ signal }));
    expect(added).toEqual([]);
  });
});
