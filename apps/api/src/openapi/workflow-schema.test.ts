import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Json, isJsonObject } from "@keelson/contracts";
import { parseDefinition } from "@keelson/dag";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { EXAMPLE_WORKFLOW } from "./example-workflow.ts";
import { createWorkflowSchema } from "./workflow-schema.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(createWorkflowSchema());

function read(name: string): Json {
  return JSON.parse(readFileSync(`${ROOT}${name}`, "utf8"));
}

const examples = globSync("examples/**/*.json", { cwd: ROOT, exclude: ["**/node_modules/**"] }).filter((name) => {
  const document = read(name);
  return isJsonObject(document) && Array.isArray(document["steps"]);
});

describe("the workflow document's JSON Schema", () => {
  it.each(examples)("accepts %s", (name) => {
    validate(read(name));
    expect(validate.errors ?? []).toEqual([]);
  });

  it("finds examples", () => expect(examples.length).toBeGreaterThan(1));

  it("accepts its own example, which can be saved", () => {
    expect(validate(EXAMPLE_WORKFLOW)).toBe(true);
    expect(parseDefinition(EXAMPLE_WORKFLOW)).toMatchObject({ ok: true });
  });

  it("accepts the example of docs/contract.md", () => {
    const [, example = ""] =
      /```json\n(\{\n {2}"name"[\s\S]*?)```/.exec(readFileSync(`${ROOT}docs/contract.md`, "utf8")) ?? [];
    validate(JSON.parse(example));
    expect(validate.errors ?? []).toEqual([]);
  });
});

const one = { id: "one", type: "transform", config: { output: 1 } };
const http = (rest: object, config: object = {}) => ({
  name: "w",
  steps: [{ id: "one", type: "http", config: { url: "https://example.com", ...config }, ...rest }],
});

describe("what is broken is refused by the schema, and by a save as well:", () => {
  it.each<[string, Json]>([
    ["no name", { steps: [one] }],
    ["a name in capitals", { name: "Order", steps: [one] }],
    ["a name that is a UUID", { name: "0192f0c1-2a3b-7c4d-8e5f-60718293a4b5", steps: [one] }],
    ["no steps", { name: "w", steps: [] }],
    ["an unknown key", { name: "w", steps: [one], step: [] }],
    ["an unknown step type", { name: "w", steps: [{ ...one, type: "script" }] }],
    ["a config of another type", { name: "w", steps: [{ ...one, type: "delay" }] }],
    [
      "a delay with both",
      { name: "w", steps: [{ id: "d", type: "delay", config: { for: "5s", until: "2027-01-01T00:00:00Z" } }] },
    ],
    ["a delay with neither", { name: "w", steps: [{ id: "d", type: "delay", config: {} }] }],
    ["a duration of no form", { name: "w", steps: [one], timeout: "5 minutes" }],
    ["a time-out of zero", { name: "w", steps: [one], timeout: 0 }],
    ["a fraction of a millisecond", { name: "w", steps: [one], timeout: 1.5 }],
    ["a condition with neither if nor cases", { name: "w", steps: [{ id: "c", type: "condition", config: {} }] }],
    [
      "otherwise without cases",
      { name: "w", steps: [{ id: "c", type: "condition", config: { if: "true", otherwise: "b" } }] },
    ],
    [
      "a branch called error",
      { name: "w", steps: [{ id: "c", type: "condition", config: { cases: [{ branch: "error", if: "true" }] } }] },
    ],
    ["a step id with a hyphen", { name: "w", steps: [{ ...one, id: "a-b" }] }],
    ["a step id __proto__", { name: "w", steps: [{ ...one, id: "__proto__" }] }],
    ["an unknown method", http({}, { method: "FETCH" })],
    ["a header of the connection", http({}, { headers: { "content-length": "1" } })],
    ["too many attempts", http({ retry: { maxAttempts: 101 } })],
    ["an unknown backoff", http({ retry: { backoff: "random" } })],
    ["a time-out of a transform", { name: "w", steps: [{ ...one, timeout: "5s" }] }],
    ["a status class of no form", http({}, { successStatus: ["2XX"] })],
    ["a cron of four fields", { name: "w", steps: [one], triggers: [{ id: "t", type: "schedule", cron: "* * * *" }] }],
    [
      "an unknown scheme",
      {
        name: "w",
        steps: [one],
        triggers: [{ id: "t", type: "webhook", signature: { scheme: "md5", secrets: ["S"] } }],
      },
    ],
    [
      "a signature without secrets",
      { name: "w", steps: [one], triggers: [{ id: "t", type: "webhook", signature: {} }] },
    ],
    [
      "nine labels",
      { name: "w", steps: [one], labels: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`l${n}`, "x"])) },
    ],
    ["a list", []],
    ["null", null],
  ])("%s", (_title, document) => {
    expect(validate(document)).toBe(false);
    expect(parseDefinition(document)).toMatchObject({ ok: false });
  });
});

it("`$schema` at the root is taken by the schema and by a save, and changes nothing", () => {
  const document = { $schema: "http://127.0.0.1:4000/schemas/workflow.json", ...EXAMPLE_WORKFLOW };
  expect(validate(document)).toBe(true);
  const [withIt, without] = [parseDefinition(document), parseDefinition(EXAMPLE_WORKFLOW)];
  expect(withIt.ok && without.ok && withIt.workflow.graph.levels).toEqual(without.ok && without.workflow.graph.levels);
});
