// Answers that are too large, packed or slow: memory stays bounded whatever targets send.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { LIMITS } from "@keelson/contracts";
import { describe, expect, it } from "vitest";
import { aRequest, someOptions, startClient, startRawTarget, startTarget } from "../fixtures/target.ts";

const MIB = 1024 * 1024;
const packed = (encoding: string, bytes: Buffer) =>
  startTarget((_, response) => {
    response.on("error", () => undefined);
    response.writeHead(200, { "content-type": "text/plain", "content-encoding": encoding }).end(bytes);
  });

describe("a packed answer", () => {
  it.each([
    ["gzip", gzipSync("packed")],
    ["x-gzip", gzipSync("packed")],
    ["GZIP", gzipSync("packed")],
    ["br", brotliCompressSync("packed")],
    ["deflate", deflateSync("packed")],
    ["deflate", deflateRawSync("packed")],
    ["identity", Buffer.from("packed")],
    ["", Buffer.from("packed")],
  ])("in %j is unpacked", async (encoding, bytes) => {
    const target = await packed(encoding, bytes);
    const attempt = await startClient().perform(aRequest(target.origin), someOptions());
    expect(attempt.outcome).toMatchObject({ kind: "succeeded", output: { body: "packed" } });
    expect(attempt.response?.bytes).toBe(6);
  });

  it("within another is unpacked once: what is inside is what the target said it is", async () => {
    const inner = gzipSync(Buffer.alloc(64 * MIB));
    const target = await packed("gzip", gzipSync(inner));
    const attempt = await startClient().perform(aRequest(target.origin), someOptions());
    expect(attempt.outcome).toMatchObject({ kind: "succeeded" });
    expect(attempt.response?.bytes).toBe(inner.length);
  });

  it.each(["gzip", "br", "deflate"])("in %s that is empty is empty", async (encoding) => {
    const target = await packed(encoding, Buffer.alloc(0));
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ kind: "succeeded", output: { body: null } });
  });

  it.each([
    ["gzip, gzip", gzipSync(gzipSync("x"))],
    ["gzip, identity", gzipSync("x")],
    ["zstd", Buffer.from("x")],
    ["nonsense", Buffer.from("x")],
  ])("in %j is refused and not tried again", async (encoding, bytes) => {
    const target = await packed(encoding, bytes);
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ error: { code: "HTTP_REFUSED" }, retryable: false });
  });

  it.each([
    ["gzip", gzipSync("packed".repeat(1_000)).subarray(0, 40)],
    ["gzip", Buffer.from("no gzip at all")],
    ["br", Buffer.from("no brotli at all")],
    ["deflate", Buffer.from("xx no deflate")],
  ])("in %s that is damaged is a network failure, in doubt", async (encoding, bytes) => {
    const target = await packed(encoding, bytes);
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ error: { code: "HTTP_NETWORK" }, retryable: true, inDoubt: true });
  });

  it.each([
    ["gzip", gzipSync(Buffer.alloc(64 * MIB))],
    ["br", brotliCompressSync(Buffer.alloc(64 * MIB))],
    ["deflate", deflateSync(Buffer.alloc(64 * MIB))],
    ["gzip", Buffer.concat(Array.from({ length: 64 }, () => gzipSync(Buffer.alloc(MIB))))],
  ])("in %s that is a bomb is let go at 5 MiB, and not tried again", async (encoding, bomb) => {
    const target = await packed(encoding, bomb);
    const attempt = await startClient().perform(aRequest(target.origin), someOptions());
    expect(attempt.outcome).toMatchObject({ error: { code: "TOO_LARGE" }, retryable: false, inDoubt: false });
    expect(attempt.response).toMatchObject({ bytes: LIMITS.httpResponseBytes, truncated: true });
  });
});

describe("a large answer", () => {
  it("of 5 MiB that shrinks when parsed is taken, and one byte more is not", async () => {
    const spaces = " ".repeat(LIMITS.httpResponseBytes - 2);
    const target = await startTarget((request, response) => {
      response.setHeader("content-type", "application/json").end(`[${spaces}${request.url === "/more" ? " " : ""}]`);
    });
    const client = startClient();
    const taken = await client.perform(aRequest(target.origin), someOptions());
    const refused = await client.perform(aRequest(`${target.origin}/more`), someOptions());
    expect(taken.outcome).toMatchObject({ kind: "succeeded", output: { body: [] } });
    // Not by the bound of outputs, which its text would exceed as well.
    const message = expect.stringContaining("The answer is larger than");
    expect(refused.outcome).toMatchObject({ error: { code: "TOO_LARGE", message } });
  });

  it("without an end is let go at 5 MiB, and its socket closed", async () => {
    const target = await startRawTarget((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const feed = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      };
      socket.on("drain", feed);
      feed();
    });
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions());
    expect(outcome).toMatchObject({ error: { code: "TOO_LARGE" }, retryable: false });
    await expect.poll(() => target.sockets.every((socket) => socket.destroyed)).toBe(true);
  });

  it("that fails its status keeps the first 16 KiB, as text", async () => {
    const target = await startTarget((_, response) => {
      response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify({ text: "é".repeat(20_000) }));
    });
    const attempt = await startClient().perform(aRequest(target.origin), someOptions());
    const { details } = attempt.outcome.kind === "failed" ? attempt.outcome.error : {};
    const body = (details as { body: string }).body;
    expect(body).toBe(attempt.response?.body);
    expect(Buffer.byteLength(body)).toBeGreaterThan(16 * 1024 - 4);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(16 * 1024);
    expect(body.endsWith("é")).toBe(true);
    expect(attempt.response).toMatchObject({ bytes: 40_011, truncated: true });
  });
});

describe("a hundred large answers at once", () => {
  it("stay within the memory that is given to all of them, and each has its turn", async () => {
    const target = await packed("gzip", gzipSync(Buffer.alloc(64 * MIB)));
    const client = startClient({ responseMemoryBytes: 10 * MIB });
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 2);
    const attempts = await Promise.all(
      Array.from({ length: 100 }, () => client.perform(aRequest(target.origin), someOptions({ timeoutMs: 110_000 }))),
    );
    clearInterval(watch);
    const codes = attempts.map(({ outcome }) => outcome.kind === "failed" && outcome.error.code);
    expect(new Set(codes)).toEqual(new Set(["TOO_LARGE"]));
    // Without the bound they would hold 500 MiB; with it 10, a quarter of one for each, and what is not yet collected.
    expect(most).toBeLessThan(200 * MIB);
  }, 120_000);

  it("wait no longer for their turn than their own time", async () => {
    const target = await startTarget((request, response) => {
      const part = Buffer.alloc(300 * 1024);
      if (request.url === "/whole") response.end(part);
      else response.write(part);
    });
    const client = startClient({ responseMemoryBytes: 1 });
    const abort = new AbortController();
    const holder = client.perform(aRequest(target.origin), someOptions({ signal: abort.signal }));
    await expect.poll(() => target.seen.length).toBe(1);
    const late = await client.perform(aRequest(`${target.origin}/whole`), someOptions({ timeoutMs: 300 }));
    abort.abort();
    await holder;
    const next = await client.perform(aRequest(`${target.origin}/whole`), someOptions());
    expect([late.outcome, next.outcome]).toMatchObject([{ error: { code: "STEP_TIMEOUT" } }, { kind: "succeeded" }]);
  });
});
