// Starting other executions from within one: a subworkflow step's child, and the workflow that `onFailure` names.
import { LIMITS, type Json, type StepError } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import type { Evaluation } from "../core/messages.ts";
import type {
  ChildStart,
  ClaimedExecution,
  Clock,
  DefinitionStore,
  ExecutionTracing,
  ResolvedWorkflow,
} from "./ports.ts";
import type { ChildRequest } from "./step-kind.ts";

export interface ChildPlannerDeps {
  readonly definitions: DefinitionStore;
  readonly clock: Clock;
  readonly tracing: ExecutionTracing;
  /** Problems of an input against a workflow's `inputSchema`; none: it fits. */
  readonly checkInput: (
    workflow: CompiledWorkflow,
    input: Json,
  ) => readonly { readonly path: string; readonly message: string }[];
}

export type PlannedChild = { readonly evaluation: Evaluation; readonly child: ChildStart | null };

/** Whether the child may start, and in which version; one that may not fails its step with CHILD_REFUSED. */
export async function planChild(
  deps: ChildPlannerDeps,
  parent: ClaimedExecution,
  stepId: string,
  request: ChildRequest,
): Promise<PlannedChild> {
  const found = await deps.definitions.resolve(parent.tenantId, request.workflow, request.version);
  if (found === null)
    return refused(`No workflow '${request.workflow}'${versionText(request.version)} exists in this tenant`);
  if (found.status === "archived") return refused(`Workflow '${request.workflow}' is archived`);
  if (parent.nesting >= LIMITS.nestingLevels) {
    return refused(
      `A child of '${request.workflow}' would lie more than ${LIMITS.nestingLevels} levels below the root execution`,
    );
  }
  const workflow = await deps.definitions.loadVersion(parent.tenantId, found.versionId);
  const problems = deps.checkInput(workflow, request.input);
  if (problems.length > 0) {
    const first = problems.map((problem) => `${problem.path || "/"} ${problem.message}`).slice(0, 3);
    return refused(`Workflow '${request.workflow}' refuses the input: ${first.join("; ")}`);
  }
  const child: ChildStart = {
    ...childBase(deps, found, workflow, request.input),
    trigger: { type: "subworkflow", id: stepId, parentExecutionId: parent.executionId },
    deadlineAt: request.wait ? parent.deadlineAt : null,
    nesting: parent.nesting + 1,
    parent: request.wait ? { executionId: parent.executionId, stepId, gen: parent.gen } : null,
    quietFailure: request.wait,
    trace: deps.tracing.within(parent),
  };
  const input: Json = { workflow: found.name, version: found.version, input: request.input };
  return { child, evaluation: { kind: "child", input, childId: child.executionId, wait: request.wait } };
}

/** The execution that tells of a failure; null where the workflow named has gone, is archived, or refuses the input. */
export async function planFailureWorkflow(
  deps: ChildPlannerDeps,
  failed: ClaimedExecution,
  name: string,
  error: StepError,
): Promise<ChildStart | null> {
  const found = await deps.definitions.resolve(failed.tenantId, name, null);
  if (found === null || found.status === "archived") return null;
  const workflow = await deps.definitions.loadVersion(failed.tenantId, found.versionId);
  const input = {
    executionId: failed.executionId,
    workflow: failed.workflowName,
    error: error as unknown as Json,
    input: failed.input,
  };
  if (deps.checkInput(workflow, input).length > 0) return null;
  return {
    ...childBase(deps, found, workflow, input),
    trigger: { type: "subworkflow", id: "onFailure", parentExecutionId: failed.executionId },
    deadlineAt: null,
    nesting: 0,
    parent: null,
    quietFailure: true,
    trace: deps.tracing.within(failed),
  };
}

function childBase(deps: ChildPlannerDeps, found: ResolvedWorkflow, workflow: CompiledWorkflow, input: Json) {
  return {
    executionId: deps.clock.newId(),
    workflowId: found.workflowId,
    workflowName: found.name,
    versionId: found.versionId,
    version: found.version,
    input,
    timeoutMs: workflow.timeoutMs,
  };
}

function refused(message: string): PlannedChild {
  return { child: null, evaluation: { kind: "failed", error: { code: "CHILD_REFUSED", message } } };
}

function versionText(version: number | null): string {
  return version === null ? "" : ` in version ${version}`;
}
