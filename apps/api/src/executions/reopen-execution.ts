// Retry: an ended execution goes on in its version. What is decided is decided by the engine; this finds out what became of
// the children, and commits parent and children together, since a parent that waits for a child nobody reopened would wait
// for ever (I5).

import { isEnded } from "@keelson/contracts";
import {
  type ChildNews,
  type Database,
  type Reopening,
  executionRead,
  executionRetry,
  executionTellChildEnded,
  inTransaction,
} from "@keelson/db";
import {
  type ClaimedExecution,
  type DefinitionStore,
  type StepState,
  decide,
  initialState,
  summarise,
} from "@keelson/engine";

export type ReopenVerdict =
  /** Those that are due now: the execution itself and its children, unless they are held. */
  | { readonly kind: "reopened"; readonly due: readonly string[] }
  | { readonly kind: "unknown" | "notEnded" | "nothing" | "unknownStep" }
  /** A child is still being cancelled, or was reopened on its own. */
  | { readonly kind: "childNotEnded"; readonly childId: string };

interface Plan {
  /** Children before their parents. */
  readonly reopenings: readonly Reopening[];
  /** Children that have ended and stay so: told to the parent that waits for them anew. */
  readonly news: readonly ChildNews[];
}

/** Beyond this somebody else reopens or cancels them all the time. */
const MAX_TRIES = 5;

export async function reopenExecution(
  deps: { readonly db: Database; readonly definitions: DefinitionStore },
  tenantId: string,
  executionId: string,
  from: string | null,
): Promise<ReopenVerdict> {
  for (let round = 0; round < MAX_TRIES; round++) {
    const execution = await executionRead(deps.db, tenantId, executionId);
    if (execution === null) return { kind: "unknown" };
    if (!isEnded(execution.status)) return { kind: "notEnded" };
    const plan = await planOf(deps, execution, from, null);
    if ("kind" in plan) return plan;
    const due = await carryOut(deps.db, plan);
    if (due !== null) return { kind: "reopened", due };
  }
  return { kind: "notEnded" };
}

type Refusal = Exclude<ReopenVerdict, { kind: "reopened" }>;

async function planOf(
  deps: { readonly db: Database; readonly definitions: DefinitionStore },
  execution: ClaimedExecution,
  from: string | null,
  parentGen: number | null,
): Promise<Plan | Refusal> {
  const { tenantId, executionId, gen, seq, nowAt } = execution;
  const workflow = await deps.definitions.loadVersion(tenantId, execution.versionId);
  if (from !== null && !workflow.graph.byId.has(from)) return { kind: "unknownStep" };
  const children = await childrenOf(deps.db, execution);
  const state = initialState({ ...execution, steps: execution.steps.map(forgetLost(children)) }, workflow);
  const event = { kind: "retryRequested", at: nowAt, from, held: false, deadlineAt: null } as const;
  const decision = decide(workflow.graph, state, event);
  if (decision.changed.length === 0) return { kind: "nothing" };

  const reopenings: Reopening[] = [];
  const news: ChildNews[] = [];
  for (const command of decision.commands) {
    if (command.kind !== "retryChild") continue;
    const child = children.get(command.childId);
    if (child === undefined) continue;
    if (!isEnded(child.status)) return { kind: "childNotEnded", childId: command.childId };
    const below: Plan | Refusal =
      child.status === "succeeded" ? { kind: "nothing" } : await planOf(deps, child, null, gen + 1);
    if (!("kind" in below)) {
      reopenings.push(...below.reopenings);
      news.push(...below.news);
    } else if (below.kind === "nothing") {
      news.push({ tenantId, executionId, gen: gen + 1, stepId: command.stepId, childId: command.childId });
    } else return below;
  }
  const steps = decision.changed.flatMap((id) => decision.state.steps.get(id) ?? []);
  const summary = summarise(decision.state);
  const own = {
    tenantId,
    executionId,
    gen,
    seq,
    events: decision.events,
    steps,
    summary,
    deadlineAt: null,
    nowAt,
    parentGen,
  };
  return { reopenings: [...reopenings, own], news };
}

/** The children of its steps, as they stand. */
async function childrenOf(db: Database, execution: ClaimedExecution): Promise<Map<string, ClaimedExecution>> {
  const children = new Map<string, ClaimedExecution>();
  for (const { childId } of execution.steps) {
    if (childId === null || children.has(childId)) continue;
    const child = await executionRead(db, execution.tenantId, childId);
    if (child !== null) children.set(childId, child);
  }
  return children;
}

/** A child that retention has removed cannot go on: its step starts a new one. */
function forgetLost(children: ReadonlyMap<string, unknown>): (step: StepState) => StepState {
  return (step) => (step.childId === null || children.has(step.childId) ? step : { ...step, childId: null });
}

class Stale extends Error {}

/** In one commit; null: something has changed since it was planned. */
async function carryOut(db: Database, plan: Plan): Promise<string[] | null> {
  try {
    return await inTransaction(db, async (tx) => {
      const due: string[] = [];
      for (const reopening of plan.reopenings) {
        const verdict = await executionRetry(tx, reopening);
        if (verdict === "stale") throw new Stale();
        if (verdict === "retried") due.push(reopening.executionId);
      }
      for (const news of plan.news) await executionTellChildEnded(tx, news);
      return due;
    });
  } catch (error) {
    if (error instanceof Stale) return null;
    throw error;
  }
}
