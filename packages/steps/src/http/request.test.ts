import type { Json, JsonObject } from "@keelson/contracts";
import { describe, expect, it } from "vitest";
import { buildHttpRequest } from "./request.ts";

const build = (parts: JsonObject) => buildHttpRequest({ url: "https://example.com/", ...parts });
const messageOf = (evaluated: Json) => {
  const built = buildHttpRequest(evaluated);
  return built.kind === "failed" ? `${built.error.code}: ${built.error.message}` : "built";
};

describe("buildHttpRequest", () => {
  it("normalises method, header names, scalars and what is left out", () => {
    const built = build({
      method: "post",
      headers: { "X-Trace": 7, "X-Flag": true, "X-None": null, Accept: " text/plain\t" },
      query: { a: 1, none: null, many: ["x", null, 2, false], nothing: [] },
      body: { b: null },
    });
    expect(built).toEqual({
      kind: "built",
      request: {
        method: "POST",
        url: "https://example.com/",
        headers: { "x-trace": "7", "x-flag": "true", accept: "text/plain" },
        query: { a: "1", many: ["x", "2", "false"], nothing: [] },
        body: { b: null },
        bodyType: "json",
      },
    });
  });

  it("keeps what is stored in place of secrets, also where it is no URL", () => {
    const built = buildHttpRequest({
      url: "***",
      headers: { authorization: "***" },
      method: "POST",
      body: "***",
      bodyType: "form",
    });
    expect(built).toMatchObject({
      kind: "built",
      request: { url: "***", headers: { authorization: "***" }, body: "***" },
    });
  });

  it.each([
    [null, "The request is not an object."],
    [{}, "`url` is missing where text is needed."],
    [{ url: null }, "`url` is null"],
    [{ url: "  " }, "`url` is"],
    [{ url: "http://x", method: 5 }, "`method` is not"],
    [{ url: "http://x", method: "G E T" }, "`method` is not"],
    [{ url: "http://x", method: "connect" }, "CONNECT cannot be used"],
    [{ url: "http://x", method: "TRACE" }, "TRACE cannot be used"],
    [{ url: "http://x", body: {} }, "A GET request has no body"],
    [{ url: "http://x", method: "HEAD", body: "x" }, "A HEAD request has no body"],
    [{ url: "http://x", bodyType: "xml" }, "`bodyType` is none of json, form, text"],
    [{ url: "http://x", headers: [] }, "`headers` is an array where an object is needed"],
    [{ url: "http://x", headers: { a: {} } }, "The header a is an object"],
    [{ url: "http://x", headers: { a: ["x"] } }, "The header a is an array"],
    [{ url: "http://x", headers: { A: "1", a: "2" } }, "The header a is given twice"],
    [{ url: "http://x", query: { q: {} } }, 'The query value "q" is an object'],
    [{ url: "http://x", query: { q: [[1]] } }, 'The query value "q" is an array'],
    [{ url: "http://x", method: "POST", bodyType: "form", body: [1] }, "`body` is an array"],
    [{ url: "http://x", method: "POST", bodyType: "form", body: { f: {} } }, 'The form field "f" is an object'],
    [
      { url: "http://x", headers: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`h${i}`, "v"])) },
      "There are 101 headers",
    ],
    [{ url: "http://x", headers: { a: "x".repeat(17 * 1024) } }, "The headers take"],
  ])("refuses %j", (evaluated, message) => {
    expect(messageOf(evaluated)).toContain(`EXPRESSION_FAILED: `);
    expect(messageOf(evaluated)).toContain(message);
  });

  it.each([
    "Host",
    "content-length",
    "Transfer-Encoding",
    "connection",
    "Keep-Alive",
    "TE",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
    "Proxy-Connection",
    "http2-settings",
  ])("refuses the header %s, which frames the message", (name) => {
    expect(messageOf({ url: "http://x", headers: { [name]: "x" } })).toContain("is set by the engine itself");
  });

  it.each([["a b"], ["a:"], [""], ["é"], ["a\r\nb"]])("refuses the header name %j", (name) => {
    expect(messageOf({ url: "http://x", headers: { [name]: "x" } })).toContain("cannot be the name of a header");
  });

  it.each([
    ["a\r\nevil: 1", "holds a line break"],
    ["a\nb", "holds a line break"],
    ["folded\r\n more", "holds a line break"],
    ["a\0b", "cannot carry"],
    ["\u0007", "cannot carry"],
    ["☃", "cannot carry"],
  ])("refuses the header value %j, and does not repeat it", (value, message) => {
    const said = messageOf({ url: "http://x", headers: { a: value } });
    expect(said).toContain(message);
    expect(said).not.toContain(value);
  });

  it("lets Latin-1 pass in a header value", () => {
    expect(messageOf({ url: "http://x", headers: { a: "é" } })).toBe("built");
  });
});
