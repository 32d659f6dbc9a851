import { once } from "node:events";
import { type Server, createServer } from "node:http";
import { gzipSync } from "node:zlib";
import express, { type RequestHandler } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { handleErrors } from "./handle-errors.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { readJsonBody, readRawBody } from "./read-body.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

describe("readJsonBody", () => {
  const read = readJsonBody({ maxBytes: 100 });

  it.each(["application/json", "application/json; charset=UTF-8", "Application/JSON", "application/cloudevents+json"])(
    "parses %s",
    async (type) => {
      expect(await send(read, { type, body: '{"a":[1]}' })).toMatchObject({ status: 200, json: { body: { a: [1] } } });
    },
  );

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonp",
    "json",
    undefined,
  ])("refuses the type %s with 415", async (type) => {
    const answer = await send(read, { type, body: Buffer.from('{"a":[1]}') });
    expect(answer).toMatchObject({ status: 415, json: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  });

  it.each([
    ["text/plain", 'its `Content-Type` is "text/plain"'],
    [undefined, "it has no `Content-Type`"],
  ])("says which type it saw: %s", async (type, saw) => {
    const answer = await send(read, { type, body: Buffer.from("{}") });
    expect(answer.json).toMatchObject({ detail: `Send the body as application/json; ${saw}.` });
  });

  it("says how much it takes", async () => {
    const answer = await send(read, { type: "application/json", body: Buffer.alloc(101, 0x20) });
    expect(answer.json).toMatchObject({ detail: "The body is larger than the 100 bytes that are taken here." });
  });

  it("refuses an encoded body with 415, before it is inflated", async () => {
    const body = gzipSync(Buffer.alloc(50_000, 0x20));
    const answer = await send(read, { type: "application/json", encoding: "gzip", body });
    expect(answer).toMatchObject({ status: 415, json: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  });

  it("takes exactly as many bytes as allowed, and refuses one more with 413", async () => {
    const text = (bytes: number) => `"${"a".repeat(bytes - 2)}"`;
    expect(await send(read, { type: "application/json", body: text(100) })).toMatchObject({ status: 200 });
    const answer = await send(read, { type: "application/json", body: text(101) });
    expect(answer).toMatchObject({ status: 413, json: { code: "PAYLOAD_TOO_LARGE" } });
  });

  it("counts the bytes of a body that does not announce its length", async () => {
    const chunks = ReadableStream.from(Array.from({ length: 50 }, () => Buffer.from("12345")));
    expect(await send(read, { type: "application/json", body: chunks })).toMatchObject({ status: 413 });
  });

  it("refuses malformed JSON with 400 and the place", async () => {
    const answer = await send(read, { type: "application/json", body: '{"a":1,}' });
    const detail = expect.stringContaining("line 1, column 8");
    expect(answer).toMatchObject({ status: 400, json: { code: "MALFORMED_JSON", detail } });
  });

  it.each(["", undefined])("makes an empty body undefined", async (body) => {
    expect(await send(read, { type: "application/json", body })).toEqual({ status: 200, json: { empty: true } });
    expect(await send(read, { body })).toEqual({ status: 200, json: { empty: true } });
  });
});

describe("readRawBody", () => {
  const read = readRawBody({ maxBytes: 100 });

  it.each(["application/json", "application/octet-stream", "text/plain; charset=latin1", undefined])(
    "keeps the bytes of the type %s as they came, also what is no UTF-8",
    async (type) => {
      const body = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0d, 0x0a]);
      expect(await send(read, { type, body })).toEqual({ status: 200, json: { hex: body.toString("hex") } });
    },
  );

  it("gives an empty buffer where there is no body", async () => {
    expect(await send(read, {})).toEqual({ status: 200, json: { hex: "" } });
  });
});

interface Sent {
  readonly type?: string | undefined;
  readonly encoding?: string;
  readonly body?: string | Buffer<ArrayBuffer> | ReadableStream | undefined;
}

/** Posts to an app that echoes what `read` made of the body. */
async function send(read: RequestHandler, { type, encoding, body }: Sent): Promise<{ status: number; json: unknown }> {
  const app = express();
  app.use(read, (req, res) => {
    if (Buffer.isBuffer(req.body)) res.json({ hex: req.body.toString("hex") });
    else res.json(req.body === undefined ? { empty: true } : { body: req.body });
  });
  app.use(handleErrors(createLogger({ service: "test", level: "silent" }), createMetrics({ service: "test" })));
  const server = createServer(app).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const headers = { ...(type && { "content-type": type }), ...(encoding && { "content-encoding": encoding }) };
  const answer = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    headers,
    ...(body === undefined ? {} : { body }),
    ...(body instanceof ReadableStream ? { duplex: "half" as const } : {}),
  });
  return { status: answer.status, json: await answer.json() };
}
