// What decides whether another execution is started from within one, and what it is born with.
import type { Json, StepError } from "@keelson/contracts";
import { describe, expect, it } from "vitest";
import { transform, workflowOf } from "../core/testing/steps.ts";
import { planChild, planFailureWorkflow, type ChildPlannerDeps } from "./children.ts";
import { after } from "./pg-clock.ts";
import { untracedExecutions, type ClaimedExecution, type ResolvedWorkflow } from "./ports.ts";
import { claimed } from "./testing/world.ts";

const FOUND: ResolvedWorkflow = { workflowId: "w2", name: "inner", status: "active", versionId: "v2", version: 4 };

function depsOf(found: ResolvedWorkflow | null, problems: readonly { path: string; message: string }[] = []) {
  const asked: unknown[] = [];
  const deps: ChildPlannerDeps = {
    definitions: {
      resolve: (...question) => {
        asked.push(question);
        return Promise.resolve(found);
      },
      loadVersion: () => Promise.resolve(workflowOf([transform("t")], { timeout: "5m" })),
    },
    clock: { nowAt: () => 0, monotonicMs: () => 0, random: () => 0, newId: () => "new-id", after },
    tracing: untracedExecutions,
    checkInput: () => problems,
  };
  return { deps, asked };
}

const plan = (
  found: ResolvedWorkflow | null,
  parent: Partial<ClaimedExecution> = {},
  request: { version?: number | null; wait?: boolean } = {},
  problems: readonly { path: string; message: string }[] = [],
) => {
  const input: Json = { ref: 1 };
  const asked = { workflow: "inner", version: null, wait: true, input, ...request };
  return planChild(depsOf(found, problems).deps, { ...claimed(), ...parent }, "sub", asked);
};

describe("a child", () => {
  it.each<[string, ResolvedWorkflow | null, Partial<ClaimedExecution>, { path: string; message: string }[], string]>([
    ["is not there", null, {}, [], "No workflow 'inner' exists"],
    ["is archived", { ...FOUND, status: "archived" }, {}, [], "is archived"],
    ["would lie a fourth level below the root", FOUND, { nesting: 3 }, [], "more than 3 levels"],
    [
      "refuses its input",
      FOUND,
      {},
      [{ path: "/ref", message: "must be text" }],
      "refuses the input: /ref must be text",
    ],
  ])("cannot start where its workflow %s", async (_title, found, parent, problems, says) => {
    const { child, evaluation } = await plan(found, parent, {}, problems);
    expect(child).toBeNull();
    expect(evaluation).toMatchObject({ kind: "failed", error: { code: "CHILD_REFUSED" } });
    expect(JSON.stringify(evaluation)).toContain(says);
  });

  it("starts on the third level, and where its workflow is paused", async () => {
    expect((await plan(FOUND, { nesting: 2 })).child?.nesting).toBe(3);
    expect((await plan({ ...FOUND, status: "paused" })).child).not.toBeNull();
  });

  it("is of the version asked for, else of the latest", async () => {
    for (const version of [2, null]) {
      const { deps, asked } = depsOf(FOUND);
      await planChild(deps, claimed(), "sub", { workflow: "inner", version, wait: true, input: null });
      expect(asked).toEqual([["tenant", "inner", version]]);
    }
  });

  it("that is waited for has its parent's deadline beside its own time-out, tells its parent, and of no failure else", async () => {
    expect((await plan(FOUND, { deadlineAt: 77 })).child).toMatchObject({
      deadlineAt: 77,
      timeoutMs: 300_000,
      parent: { executionId: "execution", stepId: "sub", gen: 1 },
      quietFailure: true,
      input: { ref: 1 },
      trigger: { type: "subworkflow", id: "sub" },
    });
  });

  it("on its own has no deadline but its own, no parent to tell, and its onFailure", async () => {
    const { child, evaluation } = await plan(FOUND, { deadlineAt: 77 }, { wait: false });
    expect(child).toMatchObject({ deadlineAt: null, timeoutMs: 300_000, parent: null, quietFailure: false });
    expect(evaluation).toMatchObject({ kind: "child", wait: false });
  });
});

describe("the workflow that onFailure names", () => {
  const error: StepError = { code: "EXECUTION_TIMEOUT", message: "over" };
  const failed = { ...claimed(), input: { order: 7 }, deadlineAt: 77, nesting: 3 };

  it("is given what failed as `{ executionId, workflow, error, input }`, and starts on its own without one of its own", async () => {
    expect(await planFailureWorkflow(depsOf(FOUND).deps, failed, "inner", error)).toMatchObject({
      input: { executionId: "execution", workflow: "under-test", error, input: { order: 7 } },
      parent: null,
      deadlineAt: null,
      nesting: 0,
      quietFailure: true,
    });
  });

  it("is not started where it has gone, is archived, or refuses that input", async () => {
    const archived: ResolvedWorkflow = { ...FOUND, status: "archived" };
    for (const { deps } of [depsOf(null), depsOf(archived), depsOf(FOUND, [{ path: "", message: "no" }])]) {
      expect(await planFailureWorkflow(deps, failed, "inner", error)).toBeNull();
    }
  });
});
