// The fault campaign's checks can fail: a world made from the model alone passes them, and each way to spoil it is told.
import { beforeEach, expect, it } from "vitest";
import { checkEffects } from "./chaos/check-effects.ts";
import { checkEnds } from "./chaos/check-ends.ts";
import type { FoundAttempt, FoundExecution, FoundStep } from "./chaos/found.ts";
import { randomPlans, type Plans } from "./chaos/generator.ts";
import { createModel, tellsOfFailure, type ModelEnd } from "./chaos/model.ts";
import type { Plan } from "./chaos/plan.ts";
import { createRandom } from "./chaos/random.ts";
import type { Start } from "./chaos/starts.ts";
import type { KeyRecord } from "./chaos/target.ts";

const PLANS = randomPlans(createRandom(7, "workflows"), 40, "http://127.0.0.1:1");
const AT = new Date("2026-01-01T00:00:00Z");

type Editable<T> = { -readonly [K in keyof T]: T[K] };
interface EditableExecution extends Editable<Omit<FoundExecution, "steps">> {
  readonly steps: Map<string, Editable<FoundStep>>;
}
interface World {
  readonly plans: Plans;
  readonly starts: Start[];
  readonly found: Map<string, EditableExecution>;
  readonly attempts: Editable<FoundAttempt>[];
  readonly byKey: Map<string, KeyRecord>;
}

let world: World;
beforeEach(() => {
  world = flawlessWorld();
});

const ends = () => checkEnds(world.found, world.starts, world.plans.byName, createModel(world.plans.byName));
const effects = () => checkEffects(world.byKey, world.found, world.attempts, world.plans.byName, [], []);
const aStep = (type: string, status = "succeeded") => {
  for (const execution of world.found.values()) {
    const plan = world.plans.byName.get(execution.workflow_name);
    for (const step of plan?.steps ?? []) {
      const found = execution.steps.get(step.id);
      if (step.type === type && found?.status === status) return { execution, step: found };
    }
  }
  throw new Error(`No ${type} step has ${status}.`);
};

it("find nothing wrong where everything is as the model says", () => {
  expect(world.found.size).toBeGreaterThan(50);
  expect(ends()).toEqual([]);
  expect(effects()).toMatchObject({ differences: [], extra: 0, inDoubt: 0 });
});

it.each<[string, () => unknown]>([
  ["an execution that is lost", () => world.found.delete([...world.starts[0]!.ids][0]!)],
  ["a start that became two", () => world.starts[0]!.ids.add("another")],
  [
    "an execution that nobody asked for",
    () => world.found.set("stray", { ...[...world.found.values()][0]!, id: "stray" }),
  ],
  ["another end", () => (aStep("http").execution.status = "cancelled")],
  ["a step that did not run", () => (aStep("transform").step.status = "skipped")],
  ["a step that ran", () => (aStep("transform", "skipped").step.status = "succeeded")],
  ["another value", () => (aStep("transform").step.output = { v: -1 })],
  ["another branch", () => (aStep("condition").step.branch = "elsewhere")],
  ["another output", () => ([...world.found.values()].find(({ output }) => output !== null)!.output = { v: -1 })],
  [
    "a child that was started twice",
    () => {
      const child = [...world.found.values()].find(({ trigger }) => (trigger.id ?? "onFailure") !== "onFailure")!;
      world.found.set("twin", { ...child, id: "twin" });
    },
  ],
  [
    "a failure that nobody was told of",
    () => world.found.delete([...world.found.values()].find(({ trigger }) => trigger.id === "onFailure")!.id),
  ],
])("tell of %s", (_, spoil) => {
  spoil();
  expect(ends()).not.toEqual([]);
});

it.each<[string, (key: string) => unknown]>([
  ["an effect that is missing", (key) => world.byKey.delete(key)],
  ["other bytes under the same key", (key) => world.byKey.get(key)?.bytes.add("other")],
  ["a request that no attempt was recorded for", (key) => world.byKey.get(key)?.arrivedAt.push(0)],
  ["a key of no step", () => world.byKey.set("nobody.s0", { bytes: new Set(["x"]), arrivedAt: [0] })],
  ["an attempt in doubt without a fault", (key) => (attemptOf(key).outcome = "in_doubt")],
])("tell of %s", (_, spoil) => {
  const { execution, step } = aStep("http");
  spoil(`${execution.id}.${step.step_id}`);
  expect(effects().differences).not.toEqual([]);
});

function attemptOf(key: string): Editable<FoundAttempt> {
  return world.attempts.find(({ execution_id, step_id }) => `${execution_id}.${step_id}` === key)!;
}

/** What an engine without faults would have left behind. */
function flawlessWorld(): World {
  const plans = PLANS;
  const model = createModel(plans.byName);
  const made: World = { plans, starts: [], found: new Map(), attempts: [], byKey: new Map() };
  const random = createRandom(7, "starts");
  for (const plan of plans.roots) {
    const key = `start-${made.starts.length}`;
    const input = { n: random.int(0, 199), key };
    const id = add(made, model, plan, input, input.n, { type: "api" }, null);
    made.starts.push({ key, plan, input, ids: new Set([id]), requests: 1 });
  }
  return made;
}

function add(
  made: World,
  model: (plan: Plan, n: number) => ModelEnd,
  plan: Plan,
  input: unknown,
  n: number,
  trigger: FoundExecution["trigger"],
  parentId: string | null,
): string {
  const id = `e${made.found.size}`;
  const end = model(plan, n);
  const fails = end.status === "failed";
  const steps = new Map<string, FoundStep>();
  const execution = {
    id,
    workflow_name: plan.name,
    status: end.status,
    input,
    trigger,
    parent_id: parentId,
    losses: 0,
    created_at: AT,
    finished_at: AT,
    steps,
    error: fails ? { code: "OUTPUT_INVALID", step: [...end.failAtOnce, ...end.failAtLast][0] ?? "" } : null,
    output: null as unknown,
  };
  made.found.set(id, execution);
  for (const step of plan.steps) {
    const inModel = end.of.get(step.id);
    const { status = "pending" } = end.steps.get(step.id) ?? {};
    const output =
      status !== "succeeded" ? null : step.type === "http" ? { body: { v: inModel?.value } } : { v: inModel?.value };
    const error = inModel?.errorCode == null ? null : { code: inModel.errorCode };
    const run = { attempt: 1, failures: 0, child_id: null, branch: inModel?.branch ?? null };
    steps.set(step.id, { ...run, step_id: step.id, status, output, error });
    if (step.type === "http" && (status === "succeeded" || error?.code.startsWith("HTTP_") === true)) {
      made.byKey.set(`${id}.${step.id}`, { bytes: new Set(["bytes"]), arrivedAt: [AT.getTime()] });
      const when = { started_at: AT, finished_at: AT, outcome: "succeeded", idempotency_key: `${id}.${step.id}` };
      made.attempts.push({ ...when, execution_id: id, step_id: step.id, attempt: 1 });
    }
    if (step.type !== "subworkflow" || !inModel?.childInput) continue;
    const { childInput } = inModel;
    const count = error?.code === "CHILD_FAILED" ? step.maxAttempts : 1;
    const from = { type: "subworkflow", id: step.id, parentExecutionId: id };
    const child = made.plans.byName.get(step.child)!;
    for (let each = 0; each < count; each += 1) {
      add(made, model, child, childInput, childInput.n, from, step.wait ? id : null);
    }
  }
  if (end.status === "succeeded") {
    const leaves = plan.graph.leaves.filter((leaf) => steps.get(leaf)?.status === "succeeded");
    execution.output = end.output ?? Object.fromEntries(leaves.map((leaf) => [leaf, steps.get(leaf)?.output]));
  }
  if (fails && tellsOfFailure(plan, { isWaitedFor: parentId !== null })) {
    const told = { executionId: id, workflow: plan.name, input };
    const from = { type: "subworkflow", id: "onFailure", parentExecutionId: id };
    add(made, model, made.plans.byName.get(plan.onFailure ?? "")!, told, n, from, null);
  }
  return id;
}
