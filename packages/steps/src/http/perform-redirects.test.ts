import { describe, expect, it } from "vitest";
import { aRequest, someOptions, startClient, startTarget } from "../fixtures/target.ts";
import type { HttpRequestInput } from "./attempt.ts";

const following = (parts: Parameters<typeof someOptions>[0] = {}) =>
  someOptions({ ...parts, config: { followRedirects: true } });
const POST = { method: "POST", body: { a: 1 } } as const;

/** Redirects from /from to wherever it is told, and answers everything else with what it saw. */
const redirector = (status: number, location: string) =>
  startTarget((request, response) => {
    if (request.url === "/from") response.writeHead(status, { location }).end("moved");
    else response.end("arrived");
  });

describe("redirects", () => {
  it("are answers like others unless they are to be followed", async () => {
    const target = await redirector(302, "/to");
    const { outcome } = await startClient().perform(aRequest(`${target.origin}/from`), someOptions());
    expect(outcome).toMatchObject({
      error: { code: "HTTP_STATUS", details: { status: 302, headers: { location: "/to" }, body: "moved" } },
      retryable: false,
    });
    expect(target.seen).toHaveLength(1);
  });

  it.each([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "POST", "GET", ""],
    [307, "POST", "POST", '{"a":1}'],
    [308, "POST", "POST", '{"a":1}'],
    [301, "PUT", "PUT", '{"a":1}'],
    [302, "PUT", "PUT", '{"a":1}'],
    [303, "PUT", "GET", ""],
    [307, "PUT", "PUT", '{"a":1}'],
    [303, "GET", "GET", ""],
    [301, "GET", "GET", ""],
  ])("%i of a %s goes on as %s with body %j", async (status, method, nextMethod, nextBody) => {
    const target = await redirector(status, "/to?x=1");
    const body = method === "GET" ? null : { a: 1 };
    const { outcome } = await startClient().perform(aRequest(`${target.origin}/from`, { method, body }), following());
    expect(outcome).toMatchObject({ kind: "succeeded", output: { status: 200, body: "arrived" } });
    expect(target.seen[1]).toMatchObject({ method: nextMethod, url: "/to?x=1", body: nextBody });
    expect("content-type" in target.seen[1]!.headers).toBe(nextBody !== "");
  });

  it("leave credentials and secrets behind when they lead to another origin, and keep them on the same", async () => {
    const other = await startTarget((_, response) => void response.end("other"));
    const headers = { authorization: "Bearer x", cookie: "c=1", "x-api-key": "key-hunter22", "x-plain": "p" };
    const options = following({ secretValues: ["hunter22"] });
    for (const [location, seenBy] of [
      [`${other.origin}/to`, other],
      ["/to", null],
    ] as const) {
      const target = await redirector(307, location);
      await startClient().perform(aRequest(`${target.origin}/from`, { ...POST, headers }), options);
      const seen = (seenBy ?? target).seen.at(-1)!.headers;
      expect(seen).toMatchObject({ "x-plain": "p", "idempotency-key": "execution.step" });
      expect(["authorization", "cookie", "x-api-key"].map((name) => name in seen)).toEqual(
        Array(3).fill(seenBy === null),
      );
    }
  });

  it("end after five", async () => {
    const target = await startTarget((_, response) => void response.writeHead(302, { location: "/again" }).end());
    const { outcome } = await startClient().perform(aRequest(target.origin), following());
    expect(outcome).toMatchObject({ error: { code: "HTTP_STATUS", details: { status: 302 } }, retryable: false });
    expect(target.seen).toHaveLength(6);
  });

  it("without a location are answers like others", async () => {
    const target = await startTarget((_, response) => void response.writeHead(302).end("nowhere"));
    const { outcome } = await startClient().perform(aRequest(target.origin), following());
    expect(outcome).toMatchObject({ error: { code: "HTTP_STATUS", details: { status: 302, body: "nowhere" } } });
  });

  it.each([
    "http://127.0.0.2:1/",
    "//10.0.0.1/",
    "http://[::1]/",
    "http://169.254.169.254/latest/",
    "file:///etc/passwd",
    "http://user:pw@example.com/",
    "http://",
  ])("to %j are not followed", async (location) => {
    const target = await redirector(302, location);
    const { outcome } = await startClient().perform(aRequest(`${target.origin}/from`, POST), following());
    // The first request was sent, and what it did is known to nobody: a repeat keeps its key.
    expect(outcome).toMatchObject({ error: { code: "EGRESS_BLOCKED" }, retryable: false, inDoubt: true });
    expect(target.seen).toHaveLength(1);
  });

  it("to a name are judged by the addresses of that name", async () => {
    const target = await redirector(302, "http://inner.example/");
    const client = startClient({ lookup: async () => [{ address: "10.0.0.1", family: 4 }] });
    const { outcome } = await client.perform(aRequest(`${target.origin}/from`), following());
    expect(outcome).toMatchObject({ error: { code: "EGRESS_BLOCKED" } });
  });

  it("show in the record the request that was made and the answer that ended it", async () => {
    const target = await redirector(302, "/to");
    const request: HttpRequestInput = aRequest(`${target.origin}/from`);
    const attempt = await startClient().perform(request, following());
    expect(attempt.request.url).toBe(`${target.origin}/from`);
    expect(attempt.response).toMatchObject({ status: 200, body: "arrived" });
  });
});
