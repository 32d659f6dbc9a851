// What goes over the wire and what comes back of it, against real servers.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { aRequest, someOptions, startClient, startRawTarget, startTarget } from "../fixtures/target.ts";
import type { HttpRequestInput } from "./attempt.ts";

const ok = startTarget.bind(null, (_, response) => void response.end("ok"));

describe("the request", () => {
  it("carries the defaults, the idempotency key and the trace", async () => {
    const target = await ok();
    await startClient().perform(
      aRequest(`${target.origin}/a`),
      someOptions({ trace: { traceparent: "00-trace", tracestate: "a=1" } }),
    );
    expect(target.seen[0]).toMatchObject({ method: "GET", url: "/a", body: "" });
    expect(target.seen[0]!.headers).toMatchObject({
      host: `127.0.0.1:${target.port}`,
      accept: "*/*",
      "user-agent": "keelson",
      "idempotency-key": "execution.step",
      traceparent: "00-trace",
      tracestate: "a=1",
    });
    expect(target.seen[0]!.headers).not.toHaveProperty("content-type");
  });

  it("lets the document set its own idempotency key and other defaults, in any case", async () => {
    const target = await ok();
    const headers = { "Idempotency-Key": "mine", "User-Agent": "shop", "Content-Type": "application/vnd.x+json" };
    await startClient().perform(aRequest(target.origin, { method: "POST", headers, body: {} }), someOptions());
    expect(target.seen[0]!.headers).toMatchObject({
      "idempotency-key": "mine",
      "user-agent": "shop",
      "content-type": "application/vnd.x+json",
    });
  });

  it("leaves its own trace context out where the document sets one", async () => {
    const target = await ok();
    const trace = { traceparent: "00-trace", tracestate: "a=1" };
    await startClient().perform(
      aRequest(target.origin, { headers: { Traceparent: "mine", tracestate: "b=2" } }),
      someOptions({ trace }),
    );
    expect(target.seen[0]!.headers).toMatchObject({ traceparent: "mine", tracestate: "b=2" });
  });

  it.each([
    ["json", { b: [1, { d: null, c: "é" }], a: 'x"y' }, "application/json", '{"b":[1,{"d":null,"c":"é"}],"a":"x\\"y"}'],
    ["json", "text", "application/json", '"text"'],
    ["json", false, "application/json", "false"],
    [
      "form",
      { b: ["x y", null, 2], a: "ü&=", n: null },
      "application/x-www-form-urlencoded",
      "b=x+y&b=2&a=%C3%BC%26%3D",
    ],
    ["form", "a=1&b=2", "application/x-www-form-urlencoded", "a=1&b=2"],
    ["text", "plain ☃", "text/plain; charset=utf-8", "plain ☃"],
    ["text", 12, "text/plain; charset=utf-8", "12"],
    ["text", { a: 1 }, "text/plain; charset=utf-8", '{"a":1}'],
  ] as const)("sends a %s body %j", async (bodyType, body, contentType, expected) => {
    const target = await ok();
    const attempt = await startClient().perform(
      aRequest(target.origin, { method: "POST", body, bodyType }),
      someOptions(),
    );
    expect(target.seen[0]!.headers["content-type"]).toBe(contentType);
    expect(target.seen[0]!.body).toBe(expected);
    expect(attempt.request.bytes).toBe(Buffer.byteLength(expected));
  });

  it("sends a POST without a body as one of length 0 and no type", async () => {
    const target = await ok();
    await startClient().perform(aRequest(target.origin, { method: "POST" }), someOptions());
    expect(target.seen[0]!.headers["content-length"]).toBe("0");
    expect(target.seen[0]!.headers).not.toHaveProperty("content-type");
  });

  it("appends the query to what the URL has of its own, and drops the fragment", async () => {
    const target = await ok();
    const query = { z: "1 2", a: ["x", "y"], "k&": "é" };
    await startClient().perform(aRequest(`${target.origin}/p%20q?own=%7e#frag`, { query }), someOptions());
    expect(target.seen[0]!.url).toBe("/p%20q?own=%7e&z=1+2&a=x&a=y&k%26=%C3%A9");
  });

  it("is the same bytes on each attempt, its names in the document's order", async () => {
    const target = await startTarget((_, response) => void response.writeHead(503).end());
    const client = startClient();
    const request: HttpRequestInput = aRequest(target.origin, {
      method: "POST",
      headers: { "x-b": "1", "x-a": "2" },
      query: { b: "1", a: "2" },
      body: { total: 12.5, ref: "é", items: [{ z: 1, a: 2 }] },
    });
    for (const stored of [request, request, JSON.parse(JSON.stringify(request))]) {
      await client.perform(stored, someOptions());
    }
    expect(target.seen).toHaveLength(3);
    expect(target.seen[0]!.body).toBe('{"total":12.5,"ref":"é","items":[{"z":1,"a":2}]}');
    expect(new Set(target.seen.map((seen) => JSON.stringify(seen))).size).toBe(1);
  });

  it("goes to its target whatever proxies the environment names, also where Node.js is told to use them", async () => {
    const [target, proxy] = [await ok(), await ok()];
    const client = join(import.meta.dirname, "client.ts");
    const script = `
      const { createHttpClient } = await import(${JSON.stringify(client)});
      const client = createHttpClient({ egressAllow: ["127.0.0.1/32"] });
      const request = ${JSON.stringify(aRequest(target.origin))};
      const options = { ...${JSON.stringify(someOptions())}, signal: new AbortController().signal };
      process.stdout.write((await client.perform(request, options)).outcome.kind);
      await client.close();`;
    const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    const env = {
      ...Object.fromEntries(names.map((name) => [name, proxy.origin])),
      NODE_USE_ENV_PROXY: "1",
      NO_PROXY: "",
      no_proxy: "",
    };
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], { env });
    expect(stdout).toBe("succeeded");
    expect([target.seen.length, proxy.seen.length]).toEqual([1, 0]);
  });

  it("is one request, whatever line breaks and spaces its parts hold", async () => {
    const received: string[] = [];
    const target = await startRawTarget((socket) => {
      socket.on("data", (chunk: Buffer) => void received.push(chunk.toString("latin1")));
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    const evil = "x HTTP/1.1\r\nhost: evil.example\r\n\r\nGET /evil";
    const seen: string[] = [];
    const server = await startTarget((request, response) => {
      seen.push(`${request.method} ${request.headers.host}`);
      response.end("ok");
    });
    for (const parts of [
      { url: `${server.origin}/${evil}` },
      { url: `${server.origin}/?q=${evil}` },
      { url: `${server.origin}/#${evil}` },
      { url: server.origin, query: { q: evil, [evil]: "x" } },
      { url: server.origin, method: "POST", body: evil, bodyType: "text" as const },
    ]) {
      const { url, ...rest } = parts;
      await startClient().perform(aRequest(url, rest), someOptions());
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen.map((one) => one.split(" ")[1]))).toEqual(new Set([`127.0.0.1:${server.port}`]));
    for (const value of ["a\r\nevil: 1", "a\nb", "a\0b", "\u2603", "a\r\n folded"]) {
      const request = aRequest(target.origin, { headers: { "x-a": value } });
      const { outcome } = await startClient().perform(request, someOptions());
      expect(outcome).toMatchObject({ error: { code: "EXPRESSION_FAILED" }, retryable: false, inDoubt: false });
    }
    expect(received).toEqual([]);
    expect(target.sockets).toHaveLength(0);
  });

  it("keeps its sockets for those that follow", async () => {
    const ports = new Set<number | undefined>();
    const target = await startTarget((_, response, raw) => {
      ports.add(raw.socket.remotePort);
      response.end("ok");
    });
    const client = startClient();
    for (let i = 0; i < 6; i++) await client.perform(aRequest(target.origin), someOptions());
    // One that has just ended may not be free yet when the next begins.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  it("is not sent with a header that the rules refuse, even when it comes from storage", async () => {
    const target = await ok();
    const { outcome } = await startClient().perform(
      aRequest(target.origin, { headers: { host: "evil" } }),
      someOptions(),
    );
    expect(outcome).toMatchObject({ error: { code: "EXPRESSION_FAILED" }, retryable: false, inDoubt: false });
    expect(target.seen).toHaveLength(0);
  });
});

describe("the guard", () => {
  it("sends nothing to a private address that is not allowed, by literal or by name", async () => {
    const target = await ok();
    const client = startClient({
      egressAllow: ["127.0.0.2/32"],
      lookup: async () => [{ address: "127.0.0.1", family: 4 }],
    });
    for (const host of ["127.0.0.1", "localhost", "public.example", "[::ffff:127.0.0.1]"]) {
      const { outcome } = await client.perform(aRequest(`http://${host}:${target.port}/`), someOptions());
      expect(outcome).toMatchObject({ error: { code: "EGRESS_BLOCKED" }, retryable: false, inDoubt: false });
    }
    expect(target.seen).toHaveLength(0);
  });

  it("reaches localhost by name where one of its addresses is allowed", async () => {
    const target = await ok();
    const lookup = async () => [
      { address: "::1", family: 6 },
      { address: "127.0.0.1", family: 4 },
    ];
    for (const client of [startClient({ lookup }), startClient()]) {
      const { outcome } = await client.perform(aRequest(`http://localhost:${target.port}/`), someOptions());
      expect(outcome.kind).toBe("succeeded");
    }
  });

  it("judges anew for each connection: a name that has moved to a private address is refused", async () => {
    const target = await startTarget((_, response) => void response.setHeader("connection", "close").end("ok"));
    const answers = ["127.0.0.1", "10.0.0.1"];
    const client = startClient({ lookup: async () => [{ address: answers.shift()!, family: 4 }] });
    const request = aRequest(`http://rebind.example:${target.port}/`);
    expect((await client.perform(request, someOptions())).outcome.kind).toBe("succeeded");
    expect((await client.perform(request, someOptions())).outcome).toMatchObject({ error: { code: "EGRESS_BLOCKED" } });
    expect(target.seen).toHaveLength(1);
  });
});
