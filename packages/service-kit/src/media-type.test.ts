import { describe, expect, it } from "vitest";
import { isJsonType, isUtf8Charset, parseMediaType } from "./media-type.ts";

describe("parseMediaType", () => {
  it.each([
    ["application/json", { type: "application/json", charset: null }],
    ['Text/Plain ; Charset="UTF-8"', { type: "text/plain", charset: "utf-8" }],
    ["a/b; boundary=x; charset=latin1", { type: "a/b", charset: "latin1" }],
    ["", { type: "", charset: null }],
  ])("reads %j", (header, expected) => {
    expect(parseMediaType(header)).toEqual(expected);
  });

  it("knows JSON by its suffix, and UTF-8 by its names", () => {
    expect(["application/json", "application/ld+json", "application/jsonl", "+json"].map(isJsonType)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([null, "utf-8", "utf8", "us-ascii", "utf-16", ""].map(isUtf8Charset)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
