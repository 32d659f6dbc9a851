import type { WorkflowDefinition } from "@keelson/contracts";
import { describe, expect, it } from "vitest";
import { checkSubworkflows } from "./subworkflows.ts";
import { documentOf, step, workflowOf } from "./testing/documents.ts";

/** Workflows by name, each with the names of those it starts. */
type Tenant = Record<string, readonly string[]>;

function definitionOf(name: string, children: readonly string[], fields: object = {}): WorkflowDefinition {
  const steps = children.map((workflow, index) => step(`s${index}`, [], { type: "subworkflow", config: { workflow } }));
  return workflowOf(documentOf([step("first"), ...steps], { name, ...fields })).definition;
}

async function faults(children: readonly string[], tenant: Tenant, fields: object = {}) {
  const asked: string[] = [];
  const problems = await checkSubworkflows(definitionOf("root", children, fields), (name) => {
    asked.push(name);
    const found = Object.hasOwn(tenant, name) ? tenant[name] : undefined;
    return Promise.resolve(found === undefined ? undefined : definitionOf(name, found));
  });
  return {
    faults: problems.map(({ code, path }) => `${code} ${path}`),
    messages: problems.map(({ message }) => message),
    asked,
  };
}

describe("checkSubworkflows", () => {
  it("takes three levels below the root", async () => {
    expect((await faults(["a"], { a: ["b"], b: ["c"], c: [] })).faults).toEqual([]);
  });

  it("refuses a fourth level, and names the way to it", async () => {
    const found = await faults(["x", "a"], { x: [], a: ["b"], b: ["c"], c: ["d"], d: [] });
    expect(found.faults).toEqual(["NESTING_EXCEEDED /steps/2/config/workflow"]);
    expect(found.messages[0]).toContain("root → a → b → c → d");
  });

  it("refuses a workflow that reaches itself, directly or through others", async () => {
    expect((await faults(["root"], {})).faults).toEqual(["NESTING_EXCEEDED /steps/1/config/workflow"]);
    expect((await faults(["a"], { a: ["root"] })).messages[0]).toContain(
      "leads back to this workflow: root → a → root",
    );
  });

  it("refuses a ring below the root", async () => {
    expect((await faults(["a"], { a: ["b"], b: ["a"] })).faults).toEqual(["NESTING_EXCEEDED /steps/1/config/workflow"]);
  });

  it("refuses unknown workflows, of onFailure too", async () => {
    const found = await faults(["a", "gone"], { a: ["gone-too"] }, { onFailure: "nobody" });
    expect(found.faults).toEqual(["UNKNOWN_WORKFLOW /steps/2/config/workflow", "UNKNOWN_WORKFLOW /onFailure"]);
  });

  it("does not count onFailure as nesting, and lets it name the workflow itself", async () => {
    expect((await faults([], { a: ["b"], b: ["c"], c: ["d"] }, { onFailure: "a" })).faults).toEqual([]);
    expect((await faults([], {}, { onFailure: "root" })).faults).toEqual([]);
  });

  it("asks for a bounded number of workflows below, and takes none of the document's own for unknown", async () => {
    const wide = Array.from({ length: 199 }, (_, index) => `w${index}`);
    const below = (parent: string) => wide.slice(0, 9).map((name) => `${parent}-${name}`);
    const tenant: Tenant = Object.fromEntries([
      ...wide.map((name) => [name, below(name)] as const),
      ...wide.flatMap(below).map((name) => [name, []] as const),
    ]);
    const { faults: found, asked } = await faults(wide, tenant);
    expect(found).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(700);
  });

  it("asks for each name once", async () => {
    const { asked } = await faults(["a", "a", "b"], { a: ["b", "c"], b: ["c"], c: [] });
    expect(asked.sort()).toEqual(["a", "b", "c"]);
  });
});
