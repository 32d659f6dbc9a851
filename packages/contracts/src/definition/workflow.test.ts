import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isJsonObject } from "../json.ts";
import { WorkflowDefinition } from "./workflow.ts";

/** Paths of the properties in a JSON Schema that nothing describes; constants describe themselves. */
function undescribed(schema: unknown, path: string): string[] {
  if (Array.isArray(schema)) return schema.flatMap((part, index) => undescribed(part, `${path}/${index}`));
  if (!isJsonObject(schema)) return [];
  const own = isJsonObject(schema.properties) ? Object.entries(schema.properties) : [];
  const bare = own.flatMap(([key, value]) =>
    isJsonObject(value) && value.description === undefined && value.const === undefined ? [`${path}/${key}`] : [],
  );
  return [...bare, ...Object.entries(schema).flatMap(([key, value]) => undescribed(value, `${path}/${key}`))];
}

describe("the schema of the workflow document", () => {
  it("describes every field, for the API's own documentation", () => {
    const schema = z.toJSONSchema(WorkflowDefinition, { io: "input" });
    expect(undescribed(schema, "")).toEqual([]);
  });

  it("refuses keys that it does not know", () => {
    const step = { id: "a", type: "transform", config: { output: null } };
    expect(WorkflowDefinition.safeParse({ name: "a", steps: [step] }).success).toBe(true);
    expect(WorkflowDefinition.safeParse({ name: "a", steps: [{ ...step, extra: 1 }] }).success).toBe(false);
  });

  it("leaves a document as its author wrote it, without filling in defaults", () => {
    const document = {
      name: "a",
      triggers: [{ id: "t", type: "webhook", signature: { secrets: ["KEY"] } }],
      steps: [{ id: "a", type: "http", config: { url: "https://example.com" } }],
    };
    expect(WorkflowDefinition.parse(document)).toEqual(document);
  });
});
