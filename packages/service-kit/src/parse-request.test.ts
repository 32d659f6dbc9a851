import { CreateApiKey, CreateTenant, PatchTenant, PutSecret, StartExecution } from "@keelson/contracts";
import { expect, it } from "vitest";
import type { z } from "zod";
import { AppError } from "./app-error.ts";
import { parseRequest } from "./parse-request.ts";

function toldOf(schema: z.ZodType, body: unknown): string[] {
  try {
    parseRequest(schema, body);
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return (error.errors ?? []).map(({ path, message }) => `${path} ${message}`);
  }
}

it.each<[string, z.ZodType, unknown, string]>([
  ["no body", CreateTenant, undefined, " The body is required, but missing: it must be an object."],
  ["a body of another kind", CreateTenant, ["x"], " The body must be an object, but is a list of 1."],
  ["a missing field", CreateTenant, { slug: "acme" }, "/name name is required, but missing: it must be text"],
  ["a misspelt key", StartExecution, { inputs: 1 }, '/inputs inputs is not known. Did you mean "input"?'],
  ["a key of nowhere", StartExecution, { zzz: 1 }, "/zzz zzz is not known here: known are input and version."],
  [
    "a number as text",
    StartExecution,
    { version: "3" },
    '/version version must be a number, but is "3". Write 3, without quotes.',
  ],
  ["text that does not fit", CreateTenant, { slug: "My Shop", name: "x" }, 'but is "My Shop". Write "my-shop".'],
  ["a list that is none", CreateApiKey, { name: "x", scopes: "read" }, 'but is "read". Write ["read"].'],
  ["a misspelt word", CreateApiKey, { name: "x", scopes: ["raed"] }, 'but is "raed". Did you mean "read"?'],
  [
    "a place deep down",
    PatchTenant,
    { limits: { apiPerMinute: "9" } },
    "/limits/apiPerMinute limits.apiPerMinute must be",
  ],
])("names of %s the place, the rule, the value seen and the remedy", (_mistake, schema, body, told) => {
  expect(toldOf(schema, body).join("\n")).toContain(told);
});

it("shows a long value cut short, and a long key too", () => {
  const [value, key] = toldOf(CreateTenant, { slug: "x".repeat(9_000), name: "x", ["k".repeat(9_000)]: 1 });
  expect(value?.length).toBeLessThan(300);
  expect(key?.length).toBeLessThan(1_000);
});

it.each([
  { value: 4_815_162_342 },
  { value: ["swordfish"] },
  "swordfish",
  ["swordfish"],
  { vlaue: "swordfish" },
  { value: "" },
])("shows nothing of a secret's body, such as %j", (body) => {
  const told = toldOf(PutSecret, body).join("\n");
  expect(told).toMatch(/must|required/);
  expect(told).not.toMatch(/swordfish|4815162342|4_815/);
});
