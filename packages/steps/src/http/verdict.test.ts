// Success, failure and what is said of it, against real servers.
import { describe, expect, it } from "vitest";
import { aRequest, someOptions, startClient, startTarget } from "../fixtures/target.ts";

const answerWith = (status: number, headers: Record<string, string | string[]>, body: string | Buffer) =>
  startTarget((_, response) => void response.writeHead(status, headers).end(body));

const outputOf = async (
  headers: Record<string, string>,
  body: string | Buffer,
  response: "auto" | "json" | "text" | "base64",
) => {
  const target = await answerWith(200, headers, body);
  const attempt = await startClient().perform(aRequest(target.origin), someOptions({ config: { response } }));
  return attempt.outcome.kind === "succeeded"
    ? (attempt.outcome.output as { body: unknown }).body
    : attempt.outcome.error;
};

describe("the status", () => {
  it.each([
    [200, ["2xx"], "succeeded", false],
    [204, ["2xx"], "succeeded", false],
    [404, ["2xx", "404"], "succeeded", false],
    [404, ["2xx", 404], "succeeded", false],
    [302, ["2xx", "3XX"], "succeeded", false],
    [200, ["201"], "failed", false],
    [302, ["2xx"], "failed", false],
    [400, ["2xx"], "failed", false],
    [401, ["2xx"], "failed", false],
    [404, ["2xx"], "failed", false],
    [408, ["2xx"], "failed", true],
    [409, ["2xx"], "failed", false],
    [410, ["2xx"], "failed", false],
    [422, ["2xx"], "failed", false],
    [425, ["2xx"], "failed", true],
    [429, ["2xx"], "failed", true],
    [500, ["2xx"], "failed", true],
    [501, ["2xx"], "failed", true],
    [503, ["2xx"], "failed", true],
    [599, ["2xx"], "failed", true],
  ])("%i against %j is %s (retryable: %s)", async (status, successStatus, kind, retryable) => {
    const target = await answerWith(status, {}, "");
    const { outcome } = await startClient().perform(
      aRequest(target.origin),
      someOptions({ config: { successStatus } }),
    );
    expect(outcome).toMatchObject(
      kind === "succeeded"
        ? { kind }
        : { kind, error: { code: "HTTP_STATUS", details: { status } }, retryable, inDoubt: false },
    );
  });

  it("is told with the answer, and the wait the target asks for", async () => {
    const target = await answerWith(
      429,
      { "Retry-After": "1.5", "content-type": "application/json" },
      '{"why":"slow"}',
    );
    const attempt = await startClient().perform(aRequest(target.origin), someOptions());
    expect(attempt.outcome).toMatchObject({
      error: { message: "The target answered 429 Too Many Requests.", details: { body: { why: "slow" } } },
      retryAfterMs: 2_000,
    });
    expect(attempt.response).toMatchObject({ status: 429, bytes: 14, body: '{"why":"slow"}', truncated: false });
  });

  it("takes a date in Retry-After from the clock it is given", async () => {
    const target = await answerWith(503, { "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT" }, "");
    const client = startClient({ nowAt: () => Date.parse("2015-10-21T07:28:00Z") });
    expect((await client.perform(aRequest(target.origin), someOptions())).outcome).toMatchObject({
      retryAfterMs: 30_000,
    });
  });

  it("names no wait where there is none, or no retry", async () => {
    const client = startClient();
    const [busy, gone] = [
      await answerWith(503, { "retry-after": "soon" }, ""),
      await answerWith(404, { "retry-after": "5" }, ""),
    ];
    expect((await client.perform(aRequest(busy.origin), someOptions())).outcome).not.toHaveProperty("retryAfterMs");
    expect((await client.perform(aRequest(gone.origin), someOptions())).outcome).not.toHaveProperty("retryAfterMs");
  });
});

describe("the output", () => {
  const json = { "content-type": "application/json; charset=utf-8" };
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff]);

  it.each([
    [json, '{"a":[1,null]}', "auto", { a: [1, null] }],
    [{ "content-type": "application/problem+json" }, '{"a":1}', "auto", { a: 1 }],
    [json, "\uFEFF[1]", "auto", [1]],
    [json, '{"a":1,"a":2}', "auto", { a: 2 }],
    [json, "<html>", "auto", "<html>"],
    [json, "", "auto", null],
    [json, "", "json", null],
    [json, '"a\\u0000b\\ud800"', "auto", "a\uFFFDb\uFFFD"],
    [json, "[1e400,12345678901234567890]", "auto", [null, 12345678901234567000]],
    [{ "content-type": "text/plain" }, '{"a":1}', "auto", '{"a":1}'],
    [{ "content-type": "text/plain" }, '{"a":1}', "json", { a: 1 }],
    [json, '{"a":1}', "text", '{"a":1}'],
    [json, '{"a":1}', "base64", Buffer.from('{"a":1}').toString("base64")],
    [{ "content-type": "text/html; charset=iso-8859-1" }, Buffer.from([0xe9]), "auto", "é"],
    [{ "content-type": "text/html; charset=nonsense" }, "é", "auto", "é"],
    [{ "content-type": "text/plain" }, Buffer.from([0x61, 0xff, 0x62]), "auto", "a\uFFFDb"],
    [{ "content-type": "image/svg+xml" }, "<svg/>", "auto", "<svg/>"],
    [{ "content-type": "image/png" }, png, "auto", png.toString("base64")],
    [{ "content-type": "application/octet-stream" }, "text", "auto", Buffer.from("text").toString("base64")],
    [{}, "plain", "auto", "plain"],
    [{}, png, "auto", png.toString("base64")],
  ] as const)("reads %j %j as %s", async (headers, body, mode, expected) => {
    expect(await outputOf(headers, body, mode)).toEqual(expected);
  });

  it("keeps an own __proto__ as data", async () => {
    const body = await outputOf(json, '{"__proto__":{"admin":true}}', "auto");
    expect(JSON.stringify(body)).toBe('{"__proto__":{"admin":true}}');
    expect(Reflect.get(body as object, "admin")).toBeUndefined();
  });

  it("refuses what should be JSON and is not, to be tried again", async () => {
    const target = await answerWith(200, { "content-type": "text/html" }, "<h1>Bad gateway</h1>");
    const attempt = await startClient().perform(aRequest(target.origin), someOptions({ config: { response: "json" } }));
    expect(attempt.outcome).toMatchObject({
      error: { code: "HTTP_REFUSED", details: { status: 200, body: "<h1>Bad gateway</h1>" } },
      retryable: true,
      inDoubt: false,
    });
  });

  it("joins repeated headers, but keeps cookies apart; names are in lower case, hostile ones too", async () => {
    const target = await startTarget((_, response) => {
      const headers = [
        "X-Many",
        "a",
        "X-Many",
        "b",
        "Set-Cookie",
        "a=1, x",
        "Set-Cookie",
        "b=2",
        "__proto__",
        "p",
        "constructor",
        "c",
      ];
      response.writeHead(200, headers).end();
    });
    const attempt = await startClient().perform(aRequest(target.origin), someOptions());
    const output = attempt.outcome.kind === "succeeded" ? attempt.outcome.output : null;
    const { headers } = output as { headers: Record<string, unknown> };
    expect(Object.entries(headers)).toEqual(
      expect.arrayContaining([
        ["x-many", "a, b"],
        ["set-cookie", ["a=1, x", "b=2"]],
        ["__proto__", "p"],
        ["constructor", "c"],
      ]),
    );
    expect(attempt.response?.headers["set-cookie"]).toBe("a=1, x, b=2");
  });

  it("is refused beyond 128 levels (its own object is one), and beyond 1 MiB, and neither is tried again", async () => {
    const deep = await outputOf(json, "[".repeat(128) + "]".repeat(128), "auto");
    const large = await outputOf({ "content-type": "text/plain" }, "x".repeat(1024 * 1024), "auto");
    const escaped = await outputOf({ "content-type": "text/plain" }, "\u0001".repeat(200_000), "auto");
    for (const error of [deep, large, escaped]) expect(error).toMatchObject({ code: "TOO_LARGE" });
    expect(await outputOf(json, "[".repeat(127) + "]".repeat(127), "auto")).toBeInstanceOf(Array);
    expect(await outputOf({ "content-type": "text/plain" }, "x".repeat(1024 * 1024 - 1_000), "auto")).toHaveLength(
      1_047_576,
    );
  });

  it("of a HEAD request has no body, whatever length is announced", async () => {
    const target = await answerWith(200, { "content-length": "500", "content-encoding": "gzip" }, "");
    const { outcome } = await startClient().perform(aRequest(target.origin, { method: "HEAD" }), someOptions());
    expect(outcome).toMatchObject({ kind: "succeeded", output: { status: 200, body: null } });
  });
});

describe("successIf", () => {
  it("sees the output, and when false the attempt is refused and tried again after the target's wait", async () => {
    const target = await answerWith(200, { "content-type": "application/json", "retry-after": "3" }, '{"ok":false}');
    const judged: unknown[] = [];
    const successIf = (response: unknown) => {
      judged.push(response);
      return false;
    };
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions({ successIf }));
    expect(judged).toMatchObject([{ status: 200, headers: { "retry-after": "3" }, body: { ok: false } }]);
    expect(outcome).toMatchObject({
      error: { code: "HTTP_REFUSED", details: { body: { ok: false } } },
      retryable: true,
      retryAfterMs: 3_000,
      inDoubt: false,
    });
  });

  it("that cannot be evaluated fails the step for good", async () => {
    const target = await answerWith(200, {}, "x");
    const successIf = () => {
      throw new Error("response.body.ok: a property of text");
    };
    const { outcome } = await startClient().perform(aRequest(target.origin), someOptions({ successIf }));
    expect(outcome).toMatchObject({
      error: { code: "EXPRESSION_FAILED", message: "successIf: response.body.ok: a property of text" },
      retryable: false,
    });
  });
});
