import type { JsonObject } from "@keelson/contracts";
import { transformStep, uniqueName, workflowOf } from "@keelson/testkit";

export type Document = JsonObject & { readonly name: string };

/** A workflow document with a name of its own; of one transform, unless steps are given. */
export function documentOf(rest: JsonObject = {}, steps: readonly JsonObject[] = [transformStep("one", 1)]): Document {
  return { ...workflowOf(steps, rest), name: uniqueName("workflow") };
}
