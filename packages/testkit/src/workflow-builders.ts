import type { Json, JsonObject } from "@keelson/contracts";

let counter = 0;

/** A name that is unique in this process and fits a workflow, a tenant's slug or a trigger id. */
export function uniqueName(stem = "test"): string {
  counter += 1;
  return `${stem}-${process.pid.toString(36)}-${counter}`;
}

/** A workflow document of these steps, with a unique name. */
export function workflowOf(steps: readonly JsonObject[], rest: JsonObject = {}): JsonObject {
  return { name: uniqueName("workflow"), steps, ...rest };
}

export function transformStep(id: string, output: Json, rest: JsonObject = {}): JsonObject {
  return { id, type: "transform", config: { output }, ...rest };
}

export function httpStep(id: string, url: string, rest: JsonObject = {}): JsonObject {
  return { id, type: "http", config: { method: "POST", url, body: {} }, ...rest };
}

export function delayStep(id: string, duration: string, rest: JsonObject = {}): JsonObject {
  return { id, type: "delay", config: { for: duration }, ...rest };
}

export function conditionStep(id: string, expression: string, rest: JsonObject = {}): JsonObject {
  return { id, type: "condition", config: { if: expression }, ...rest };
}
