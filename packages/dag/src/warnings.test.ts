import { describe, expect, it } from "vitest";
import { documentOf, http, step, workflowOf } from "./testing/documents.ts";
import { definitionWarnings } from "./warnings.ts";

const NOW = new Date("2027-01-10T00:00:00Z");

function warningsOf(document: unknown) {
  return definitionWarnings(workflowOf(document).definition, NOW).map(({ code, path }) => `${code} ${path}`);
}

const hook = (signature: object) => ({ id: "hook", type: "webhook", signature });

describe("definitionWarnings", () => {
  it("warns of a webhook that takes unsigned requests", () => {
    const document = documentOf([step("a")], { triggers: [hook({ scheme: "none" })] });
    expect(warningsOf(document)).toEqual(["SIGNATURE_NONE /triggers/0/signature/scheme"]);
  });

  it("warns of an hmac webhook whose repeats cannot be told", () => {
    const signature = { scheme: "hmac", header: "x-signature", encoding: "hex", secrets: ["KEY"] };
    expect(warningsOf(documentOf([step("a")], { triggers: [hook(signature)] }))).toEqual([
      "REPEATS_NOT_DETECTED /triggers/0/signature",
    ]);
    expect(warningsOf(documentOf([step("a")], { triggers: [hook({ ...signature, idHeader: "x-id" })] }))).toEqual([]);
  });

  it("warns of retries that change nothing", () => {
    const retry = { retry: { maxAttempts: 3 } };
    expect(warningsOf(documentOf([step("a", [], retry), http("b", [], {}, retry)]))).toEqual([
      "RETRY_WITHOUT_EFFECT /steps/0/retry",
    ]);
  });

  it("warns of a body that is sent by GET, said or not, or by HEAD", () => {
    const steps = [
      http("a", [], { body: { id: 1 } }),
      http("b", [], { method: "HEAD", body: "x" }),
      http("c", [], { method: "POST", body: "x" }),
      http("d", [], { body: null }),
      http("e"),
    ];
    expect(warningsOf(documentOf(steps))).toEqual([
      "BODY_WITH_GET /steps/0/config/body",
      "BODY_WITH_GET /steps/1/config/body",
    ]);
  });

  it("warns of keys of an input schema that check nothing, and says which is near", () => {
    const inputSchema = {
      type: "object",
      requird: ["id"],
      properties: {
        requird: { type: "string", minLenght: 1, enum: ["minLenght"] },
        list: { type: "array", items: { anyOf: [{ nullable: true }] } },
      },
      default: { requird: true },
      "x-owner": { requird: true },
    };
    const { definition } = workflowOf(documentOf([step("a")], { inputSchema }));
    const warnings = definitionWarnings(definition, NOW);
    expect(warnings.map(({ code, path }) => `${code} ${path}`)).toEqual([
      "UNKNOWN_KEYWORD /inputSchema/requird",
      "UNKNOWN_KEYWORD /inputSchema/properties/requird/minLenght",
      "UNKNOWN_KEYWORD /inputSchema/properties/list/items/anyOf/0/nullable",
    ]);
    expect(warnings[0]?.message).toContain('Did you mean "required"?');
    expect(warnings[1]?.message).toContain('Did you mean "minLength"?');
  });

  it("lists at most 20 of those keys", () => {
    const inputSchema = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`key${n}`, true]));
    expect(warningsOf(documentOf([step("a")], { inputSchema }))).toHaveLength(20);
  });

  it("warns of what the coming year's clock changes do to a schedule", () => {
    const nightly = { id: "nightly", type: "schedule", cron: "30 2 * * *", timezone: "Europe/Berlin" };
    const hourly = { id: "hourly", type: "schedule", cron: "0 * * * *", timezone: "Europe/Berlin" };
    expect(warningsOf(documentOf([step("a")], { triggers: [hourly, nightly] }))).toEqual([
      "CLOCK_CHANGE_SKIPS /triggers/1/cron",
      "CLOCK_CHANGE_REPEATS /triggers/1/cron",
    ]);
  });

  it.each([
    ["${input.id}", "input.id"],
    ["order ${ steps.a.output.id }!", "steps.a.output.id"],
    ["{input.id}", "input.id"],
    ["<%= input.id %>", "input.id"],
    ["steps.a.output", "steps.a.output"],
  ])("warns of the text %j, which is not evaluated", (text, name) => {
    const { definition } = workflowOf(
      documentOf([step("a"), step("b", ["a"], { config: { output: { id: [text] } } })]),
    );
    const [warning] = definitionWarnings(definition, NOW);
    expect(warning).toMatchObject({ code: "NOT_EVALUATED", path: "/steps/1/config/output/id/0" });
    expect(warning?.message).toContain(`write {{ ${name} }}`);
  });

  it.each(["input", "see input.md for more", "${PATH}", "{{ input.id }}", "{ a: 1 }", "in steps."])(
    "has nothing to say of the text %j",
    (text) => expect(warningsOf(documentOf([step("a", [], { config: { output: text } })]))).toEqual([]),
  );

  it("has nothing to say of a plain document", () => {
    expect(warningsOf(documentOf([step("a"), http("b")], { triggers: [hook({ secrets: ["KEY"] })] }))).toEqual([]);
  });
});
