// What expressions may name, made of an execution's state. Outputs that lie in PostgreSQL are loaded before.
import { createHash } from "node:crypto";
import type { Json } from "@keelson/contracts";
import type { CompiledStep, CompiledWorkflow } from "@keelson/dag";
import type { References, Scope } from "@keelson/expressions";
import type { ExecutionState, StepState } from "../core/state.ts";
import type { ClaimedExecution } from "./ports.ts";

export function scopeOfStep(
  execution: ClaimedExecution,
  state: ExecutionState,
  outputs: ReadonlyMap<string, Json>,
  step: StepState,
  secrets?: ReadonlyMap<string, string>,
): Scope {
  return {
    ...scopeOfExecution(execution, state, outputs),
    // The same on every attempt of this step run: its start, and ids made of its own.
    nowMs: step.startedAt ?? execution.nowAt,
    uuid: (place, n) => stableUuid([execution.executionId, step.id, String(step.iter), place, String(n)]),
    ...(secrets === undefined ? {} : { secrets: (name: string) => secrets.get(name) }),
  };
}

export function scopeOfExecution(
  execution: ClaimedExecution,
  state: ExecutionState,
  outputs: ReadonlyMap<string, Json>,
): Scope {
  return {
    input: execution.input,
    trigger: execution.trigger,
    execution: {
      id: execution.executionId,
      workflow: execution.workflowName,
      version: execution.version,
      startedAt: new Date(execution.startedAt).toISOString(),
    },
    steps: (id) => stepRecord(state, outputs, id),
    nowMs: execution.startedAt,
    uuid: (place, n) => stableUuid([execution.executionId, place, String(n)]),
  };
}

function stepRecord(state: ExecutionState, outputs: ReadonlyMap<string, Json>, id: string): Json {
  const step = state.steps.get(id);
  if (step === undefined) return null;
  const output = step.output.kind === "value" ? step.output.value : (outputs.get(id) ?? null);
  return { output, status: step.status, error: (step.error as Json | null) ?? null };
}

/** Ids of the steps whose records a step's templates name. */
export function stepsNamed(compiled: CompiledStep): Set<string> {
  return new Set(referencesOf(compiled).flatMap((references) => [...references.steps]));
}

/** Names of the secrets that a step's templates name. */
export function secretsNamed(compiled: CompiledStep): string[] {
  return [...new Set(referencesOf(compiled).flatMap((references) => [...references.secrets]))];
}

export function stepsNamedByOutput(workflow: CompiledWorkflow): Set<string> {
  return workflow.output === null ? new Set(workflow.graph.leaves) : new Set(workflow.output.references.steps);
}

function referencesOf(compiled: CompiledStep): References[] {
  switch (compiled.type) {
    case "http":
      return [compiled.request.references, ...(compiled.successIf === null ? [] : [compiled.successIf.references])];
    case "transform":
      return [compiled.output.references];
    case "condition":
      return compiled.cases.map((branch) => branch.if.references);
    case "delay":
      return [compiled.for, compiled.until].flatMap((template) => (template === null ? [] : [template.references]));
    case "subworkflow":
      return compiled.input === null ? [] : [compiled.input.references];
  }
}

/** A UUID (version 8: made of a hash) that is the same whenever it is made of the same parts. */
function stableUuid(parts: readonly string[]): string {
  const hex = createHash("sha256").update(parts.join("\n")).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
