import { describe, expect, it } from "vitest";
import { bodyTypeOf, parseBody } from "./parse-body.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "utf8");

describe("bodyTypeOf", () => {
  it.each([
    ["application/json", "json"],
    ["Application/JSON; charset=UTF-8", "json"],
    ["application/cloudevents+json", "json"],
    ["application/x-www-form-urlencoded", "form"],
    ["text/plain; charset=us-ascii", "text"],
    ["text/xml", "text"],
  ])("takes %s as %s", (contentType, type) => {
    expect(bodyTypeOf(contentType)).toBe(type);
  });

  it.each([
    undefined,
    "",
    "application/octet-stream",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "text/plain; charset=iso-8859-1",
    "text/",
    "json",
  ])("takes no %s", (contentType) => {
    expect(bodyTypeOf(contentType)).toBeNull();
  });
});

describe("JSON", () => {
  it("is parsed to its value, own keys that only sound like more than data included", () => {
    const value = { a: [1, "é", null], constructor: "Ferrari", toString: 1 };
    expect(parseBody("json", bytes(JSON.stringify(value)))).toEqual({ ok: true, value });
  });

  it.each([
    ["broken grammar", `{"a":`],
    ["white space alone", "  "],
    ["__proto__", `{"a":{"__proto__":{"b":1}}}`],
    ["__proto__ by escapes", `{"\\u005f_proto__":1}`],
    ["NUL", `{"a":"\\u0000"}`],
    ["half of a surrogate pair", `{"a":"\\ud800"}`],
    ["129 levels", "[".repeat(129) + "]".repeat(129)],
    ["a number that is not finite", "[1e400]"],
  ])("is refused with %s", (_what, text) => {
    expect(parseBody("json", bytes(text))).toEqual({ ok: false, problem: expect.stringMatching(/^[A-Z].*$/) });
  });

  it("may be 128 levels deep", () => {
    expect(parseBody("json", bytes("[".repeat(128) + "]".repeat(128))).ok).toBe(true);
  });

  it("is refused where it is not UTF-8", () => {
    expect(parseBody("json", Buffer.from([0x22, 0xff, 0x22]))).toEqual({
      ok: false,
      problem: "The body is not UTF-8.",
    });
  });
});

describe("a form", () => {
  it("becomes an object of strings, with an array where a name is repeated", () => {
    const text = "a=1&b=x+y&b=%C3%A9%26&empty=&bare&=anonymous&constructor=Ferrari";
    expect(parseBody("form", bytes(text))).toEqual({
      ok: true,
      value: { a: "1", b: ["x y", "é&"], empty: "", bare: "", "": "anonymous", constructor: "Ferrari" },
    });
  });

  it("keeps a percent sign that escapes nothing, as browsers do", () => {
    expect(parseBody("form", bytes("off=50%&x=%zz"))).toEqual({ ok: true, value: { off: "50%", x: "%zz" } });
  });

  it("may have UTF-8 unescaped, and a character of it escaped in part", () => {
    const halfEscaped = Buffer.concat([Buffer.from("a=é&b=%C3"), Buffer.from([0xa9])]);
    expect(parseBody("form", halfEscaped)).toEqual({ ok: true, value: { a: "é", b: "é" } });
  });

  it.each([
    ["bytes that are not UTF-8", "a=%FF"],
    ["NUL", "a=%00"],
    ["NUL in a name", "%00=a"],
    ["__proto__", "__proto__=1"],
    ["__proto__ escaped", "%5F_proto__=1"],
  ])("is refused with %s", (_what, text) => {
    expect(parseBody("form", bytes(text)).ok).toBe(false);
  });
});

describe("text", () => {
  it("is taken as it is", () => {
    expect(parseBody("text", bytes("<a>é</a>\n"))).toEqual({ ok: true, value: "<a>é</a>\n" });
  });

  it("is refused where it is not UTF-8 or contains NUL", () => {
    expect(parseBody("text", Buffer.from([0x61, 0x80])).ok).toBe(false);
    expect(parseBody("text", bytes("a\u0000b")).ok).toBe(false);
  });
});
