// What is served without a key: the OpenAPI document, its page, and the JSON Schema of workflow documents.

import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { type World, INGRESS_URL, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const get = (path: string) => request(world.app).get(path);

describe.each([
  ["/openapi.json", "application/json"],
  ["/schemas/workflow.json", "application/schema+json"],
  ["/docs", "text/html; charset=utf-8"],
  ["/docs/docs.css", "text/css; charset=utf-8"],
  ["/docs/docs.js", "text/javascript; charset=utf-8"],
  ["/docs/rapidoc.js", "text/javascript; charset=utf-8"],
])("GET %s", (path, type) => {
  it("needs no key, and is answered by 304 to whoever has it", async () => {
    const answer = await get(path).expect(200).expect("content-type", type);
    expect(answer.headers["cache-control"]).toBe("public, max-age=60");
    const again = await get(path).set("if-none-match", String(answer.headers["etag"])).expect(304);
    expect(again.text).toBe("");
  });

  it("is compressed only for whoever takes that, under a tag of its own", async () => {
    const plain = await get(path).set("accept-encoding", "identity").expect(200);
    const small = await get(path).set("accept-encoding", "gzip").expect(200);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(small.headers["content-encoding"]).toBe("gzip");
    expect(small.headers["etag"]).not.toBe(plain.headers["etag"]);
    expect(small.text).toEqual(plain.text);
  });

  it("takes no other method", async () => {
    const answer = await request(world.app).post(path).expect(405);
    expect(answer.headers["allow"]).toBe("GET, HEAD");
  });
});

it("the document says the server's version, and the ingress's address for its paths", async () => {
  const { body } = await get("/openapi.json").expect(200);
  expect(body.info.version).toBe(packageJson.version);
  expect(body.paths["/hooks/{hookId}"].servers).toMatchObject([{ url: INGRESS_URL }]);
});

it("the page runs and fetches nothing but what this server has, and may be framed by nobody", async () => {
  const { headers, text } = await get("/docs").expect(200);
  const policy = String(headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("connect-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/https?:|unsafe-eval|upgrade-insecure/);
  const sources = [...text.matchAll(/(?:src|href|spec-url)="([^"]+)"/g)].map(([, source = ""]) => source);
  for (const source of sources.filter((one) => one !== "data:,")) await get(source).expect(200);
  expect(sources).toContain("/docs/rapidoc.js");
});
