// jsep's configuration is one for the whole process: others' changes must not reach us, nor ours them.
import * as jsepModule from "jsep";
import { afterEach, describe, expect, it } from "vitest";
import { outcome } from "./fixtures/scope.ts";

// jsep's type declarations leave out its class.
const { Jsep } = jsepModule as unknown as { Jsep: typeof jsepModule.default };
const operators = { ...Jsep.binary_ops };
const unary = { ...Jsep.unary_ops };

afterEach(() => {
  Jsep.binary_ops = { ...operators };
  Jsep.unary_ops = { ...unary };
  delete Jsep.hooks["gobble-token"];
});

describe("jsep's shared configuration", () => {
  it("changed by another library does not change the language", () => {
    Jsep.addBinaryOp("+", 20);
    Jsep.addBinaryOp("=", 0.9, true);
    Jsep.addBinaryOp("in", 1);
    Jsep.addUnaryOp("typeof");
    Jsep.addLiteral("input", 42);
    Jsep.hooks.add("gobble-token", () => {
      throw new Error("another library's hook");
    });
    expect(outcome("2 * 3 + 1")).toBe(7);
    expect(outcome("input = 1")).toBe("EXPRESSION_FORBIDDEN");
    expect(outcome("typeof 1")).toBe("EXPRESSION_FORBIDDEN");
    expect(outcome('"a" in input == true', { a: 1 })).toBe(true);
    Jsep.removeLiteral("input");
  });

  it("is left as it was found", () => {
    const before = { ...Jsep };
    expect(outcome("1 in [1, 2] && [1].map(i => ({ a: i ** 2 })).length == 1")).toBe(true);
    expect(outcome("(")).toBe("EXPRESSION_SYNTAX");
    expect({ ...Jsep }).toEqual(before);
    expect(Object.keys(Jsep.binary_ops)).not.toContain("=>");
    expect(Object.keys(Jsep.binary_ops)).not.toContain("in");
  });
});
