import { describe, expect, it } from "vitest";
import { canonicalHash, canonicalJson } from "./canonical-json.ts";

describe("canonical JSON", () => {
  it("is the same text whatever the order of keys, at every depth", () => {
    expect(canonicalJson({ b: [{ y: 1, x: null }], a: "ä" })).toBe('{"a":"ä","b":[{"x":null,"y":1}]}');
    expect(canonicalHash({ a: 1, b: 2 })).toEqual(canonicalHash(JSON.parse('{"b":2.0,"a":1e0}')));
  });

  it("tells different values apart", () => {
    const values = [null, "null", 1, "1", [], {}, [1, [2]], [[1], 2], { a: 1 }, { a: "1" }, { a: [1] }, { "a:1": 1 }];
    expect(new Set(values.map(canonicalJson)).size).toBe(values.length);
  });
});
