import type { Json } from "@keelson/contracts";
import { describe, expect, it } from "vitest";
import { compileInputSchema, InputSchemaError } from "./input-schema.ts";

function check(schema: unknown, input: Json) {
  return compileInputSchema(schema)(input).map(({ path, message }) => `${path} ${message}`);
}

/** Where a schema is refused. */
function refusals(schema: unknown): string[] {
  try {
    compileInputSchema(schema);
    return [];
  } catch (error) {
    if (!(error instanceof InputSchemaError)) throw error;
    return error.problems.map(({ path, code }) => `${code} ${path}`);
  }
}

const TOO_COSTLY = [" The input takes too long to check against the workflow's inputSchema."];

describe("an input schema", () => {
  const order = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://example.com/order",
    type: "object",
    required: ["orderId", "items"],
    properties: {
      orderId: { type: "string", pattern: "^o-\\d+$" },
      items: { type: "array", minItems: 1, items: { $ref: "#/$defs/item" } },
    },
    additionalProperties: false,
    $defs: {
      item: {
        type: "object",
        required: ["sku"],
        properties: { sku: { type: "string" }, qty: { type: "integer", minimum: 1 } },
      },
    },
  };

  it("takes what fits", () => {
    expect(check(order, { orderId: "o-1", items: [{ sku: "x", qty: 2 }] })).toEqual([]);
  });

  it("names every problem of an input", () => {
    expect(check(order, { orderId: "1", items: [{ qty: 0 }], extra: 1 }).sort()).toEqual([
      "/extra is not a known property",
      "/items/0/qty must be >= 1",
      "/items/0/sku is required",
      '/orderId must match pattern "^o-\\d+$"',
    ]);
  });

  it("may be true or false", () => {
    expect(check(true, 1)).toEqual([]);
    expect(check(false, 1)).toHaveLength(1);
  });

  it("means what 2020-12 says, whatever ajv adds to it", () => {
    expect(check({ type: "string", nullable: true }, null)).toEqual([" must be string"]);
    expect(check({ $async: true, type: "string" }, 1)).toEqual([" must be string"]);
    expect(check({ type: "string", format: "email", "x-note": 1 }, "no address")).toEqual([]);
    expect(check({ prefixItems: [{ type: "number" }], items: false }, [1, 2])).toHaveLength(1);
    expect(check({ allOf: [{ properties: { a: true } }], unevaluatedProperties: false }, { a: 1, b: 2 })).toEqual([
      "/b is not a known property",
    ]);
    expect(check({ $ref: "#item", $defs: { item: { $anchor: "item", type: "string" } } }, 1)).toEqual([
      " must be string",
    ]);
    expect(
      check({ uniqueItems: true }, [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
    ).toEqual([" must NOT have duplicate items"]);
  });

  it("sees own properties alone", () => {
    expect(check({ required: ["constructor"] }, {})).toEqual(["/constructor is required"]);
  });

  it("keeps its patterns apart", () => {
    const schema = { properties: { a: { pattern: "^a$" }, b: { pattern: "^b$" } } };
    expect(check(schema, { a: "a", b: "b" })).toEqual([]);
    expect(check(schema, { a: "b", b: "a" })).toHaveLength(2);
  });

  it("knows nothing of another schema of the same $id", () => {
    compileInputSchema({ $id: "https://example.com/x", type: "string" });
    expect(check({ $id: "https://example.com/x", type: "number" }, 1)).toEqual([]);
  });

  it.each([
    ["misspelt types", { properties: { a: { type: "strng" } } }, "/inputSchema/properties/a/type"],
    ["references to the web", { $ref: "https://example.com/schema.json" }, "/inputSchema/$ref"],
    ["references to nothing", { items: { $ref: "#/$defs/none" } }, "/inputSchema/items/$ref"],
    ["references into data", { const: { type: "string" }, $ref: "#/const" }, "/inputSchema/$ref"],
    ["references to a map of schemas", { $defs: { a: true }, $ref: "#/$defs" }, "/inputSchema/$ref"],
    ["another dialect", { $schema: "http://json-schema.org/draft-07/schema#" }, "/inputSchema/$schema"],
    ["an $id below the root", { $defs: { a: { $id: "a" } } }, "/inputSchema/$defs/a/$id"],
    ["lookaround", { properties: { a: { pattern: "(?=x)" } } }, "/inputSchema/properties/a/pattern"],
    ["backreferences", { patternProperties: { "(a)\\1": true } }, "/inputSchema/patternProperties/(a)\\1"],
    ["too many subschemas", { anyOf: Array.from({ length: 501 }, () => ({ type: "string" })) }, "/inputSchema"],
    ["text", "string", "/inputSchema"],
  ])("may not have %s", (_title, schema, path) => {
    expect(refusals(schema)).toEqual([`INVALID_FIELD ${path}`]);
  });
});

describe("a hostile input schema", () => {
  it("cannot take exponential time over one value", () => {
    const level = (n: number) => ({ allOf: [{ $ref: `#/$defs/l${n + 1}` }, { $ref: `#/$defs/l${n + 1}` }] });
    const $defs = {
      ...Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`l${n}`, level(n)])),
      l40: { type: "object" },
    };
    expect(check({ $ref: "#/$defs/l0", $defs }, {})).toEqual(TOO_COSTLY);
  });

  it("cannot take exponential time over nested values", () => {
    const down = { properties: { x: { $ref: "#" } } };
    let input: Json = {};
    for (let depth = 0; depth < 60; depth += 1) input = { x: input };
    expect(check({ allOf: [down, down] }, input)).toEqual(TOO_COSTLY);
  });

  it("cannot call itself for ever", () => {
    expect(check({ $ref: "#" }, 1)).toEqual(TOO_COSTLY);
  });

  it("cannot compare all items with all others", () => {
    const input = Array.from({ length: 50_000 }, (_, n) => ({ n }));
    expect(check({ uniqueItems: true }, input)).toEqual([]);
  });

  it("pays for alternatives that fail at once", () => {
    const anyOf = Array.from({ length: 400 }, (_, n) => ({ const: `x${n}` }));
    expect(
      check(
        { contains: { anyOf } },
        Array.from({ length: 100_000 }, () => 1),
      ),
    ).toEqual(TOO_COSTLY);
  });

  it("pays for long texts", () => {
    const allOf = Array.from({ length: 150 }, () => ({ not: { contains: { maxLength: 1 } } }));
    expect(check({ allOf }, ["x".repeat(1_000_000)])).toEqual(TOO_COSTLY);
  });

  it("gets a bounded list of problems", () => {
    expect(
      check(
        { items: { type: "string" } },
        Array.from({ length: 10_000 }, () => 1),
      ),
    ).toHaveLength(50);
  });
});
