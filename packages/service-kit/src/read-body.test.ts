import express, { type RequestHandler } from "express";
import { gzipSync } from "node:zlib";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { handleErrors } from "./handle-errors.ts";
import { createLogger } from "./logger.ts";
import { readJsonBody, readRawBody } from "./read-body.ts";

describe("readJsonBody", () => {
  const post = (type: string) =>
    request(echo(readJsonBody({ maxBytes: 100 })))
      .post("/")
      .set("content-type", type);

  it.each(["application/json", "application/json; charset=UTF-8", "Application/JSON", "application/cloudevents+json"])(
    "parses %s",
    async (type) => {
      await post(type)
        .send('{"a":[1]}')
        .expect(200, { body: { a: [1] } });
    },
  );

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonp",
    "json",
  ])("refuses %s with 415", async (type) => {
    const answer = await post(type).send('{"a":[1]}').expect(415);
    expect(answer.body.code).toBe("UNSUPPORTED_MEDIA_TYPE");
  });

  it("refuses a body without a type with 415", async () => {
    const bare = post("application/json").unset("content-type").send(Buffer.from("{}"));
    expect((await bare.unset("content-type")).status).toBe(415);
  });

  it("refuses an encoded body with 415, before it is inflated", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000, 0x20));
    const answer = await post("application/json").set("content-encoding", "gzip").send(bomb);
    expect(answer.status).toBe(415);
    expect(answer.body.code).toBe("UNSUPPORTED_MEDIA_TYPE");
  });

  it("takes exactly as many bytes as allowed, and refuses one more with 413", async () => {
    const text = (bytes: number) => `"${"a".repeat(bytes - 2)}"`;
    await post("application/json").send(text(100)).expect(200);
    const answer = await post("application/json").send(text(101)).expect(413);
    expect(answer.body.code).toBe("PAYLOAD_TOO_LARGE");
  });

  it("counts the bytes of a body that does not announce its length", async () => {
    const chunked = post("application/json").set("transfer-encoding", "chunked");
    expect((await chunked.send(`"${"a".repeat(200)}"`)).status).toBe(413);
  });

  it("refuses malformed JSON with 400 and the place", async () => {
    const answer = await post("application/json").send('{"a":1,}').expect(400);
    expect(answer.body).toMatchObject({ code: "MALFORMED_JSON", detail: expect.stringContaining("line 1, column 8") });
  });

  it.each(["", undefined])("makes an empty body undefined", async (body) => {
    expect((await post("application/json").send(body)).body).toEqual({ empty: true });
    expect((await request(echo(readJsonBody({ maxBytes: 100 }))).get("/")).body).toEqual({ empty: true });
  });
});

describe("readRawBody", () => {
  const app = echo(readRawBody({ maxBytes: 100 }));

  it("keeps the bytes of any type as they came, also what is no UTF-8", async () => {
    const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0d, 0x0a]);
    for (const type of ["application/json", "application/octet-stream", "text/plain; charset=latin1"]) {
      const answer = await request(app).post("/").set("content-type", type).send(bytes);
      expect(answer.body).toEqual({ hex: bytes.toString("hex") });
    }
  });

  it("gives an empty buffer where there is no body", async () => {
    expect((await request(app).post("/")).body).toEqual({ hex: "" });
  });
});

function echo(read: RequestHandler) {
  const app = express();
  app.use(read, (req, res) => {
    if (Buffer.isBuffer(req.body)) res.json({ hex: req.body.toString("hex") });
    else res.json(req.body === undefined ? { empty: true } : { body: req.body });
  });
  app.use(handleErrors(createLogger({ service: "test", level: "silent" })));
  return app;
}
