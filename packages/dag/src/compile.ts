// A workflow ready to run: its graph, and its templates and expressions compiled once.

import { assertNever, parseDuration, type Json, type Step, type WorkflowDefinition } from "@keelson/contracts";
import {
  compileExpression,
  compileTemplate,
  type CompiledExpression,
  type CompiledTemplate,
} from "@keelson/expressions";
import { buildGraph, type Graph } from "./graph.ts";
import { HTTP_ROOTS, LABEL_ROOTS, STEP_ROOTS, SUCCESS_IF_ROOTS } from "./roots.ts";

export interface CompiledHttp {
  readonly type: "http";
  /** Of an object with `url` and, where they are given, `method`, `headers`, `query` and `body`. */
  readonly request: CompiledTemplate;
  /** May name `response` too; null: the status alone decides. */
  readonly successIf: CompiledExpression | null;
  readonly bodyType: "json" | "form" | "text";
  readonly successStatus: readonly (number | string)[];
  readonly response: "auto" | "json" | "text" | "base64";
  readonly followRedirects: boolean;
}

export interface CompiledTransform {
  readonly type: "transform";
  readonly output: CompiledTemplate;
}

export interface CompiledCondition {
  readonly type: "condition";
  /** Tried in order; `if` alone is a case of the branch `true`. */
  readonly cases: readonly { readonly branch: string; readonly if: CompiledExpression }[];
  /** Branch taken when no case holds; null: the step fails with NO_CASE. */
  readonly otherwise: string | null;
}

export interface CompiledDelay {
  readonly type: "delay";
  /** Exactly one of the two is null. `for` yields a duration, `until` a time. */
  readonly for: CompiledTemplate | null;
  readonly until: CompiledTemplate | null;
}

export interface CompiledSubworkflow {
  readonly type: "subworkflow";
  /** Null: the child's input is null. */
  readonly input: CompiledTemplate | null;
  readonly workflow: string;
  /** Null: the latest when the step starts. */
  readonly version: number | null;
  readonly wait: boolean;
}

export type CompiledStep = CompiledHttp | CompiledTransform | CompiledCondition | CompiledDelay | CompiledSubworkflow;

export interface CompiledWorkflow {
  readonly definition: WorkflowDefinition;
  readonly graph: Graph;
  /** By step id. */
  readonly steps: ReadonlyMap<string, CompiledStep>;
  /** Null: the default output. */
  readonly output: CompiledTemplate | null;
  /** By name. */
  readonly labels: ReadonlyMap<string, CompiledTemplate>;
  /** Bound of an execution from its start, in ms; null: none. */
  readonly timeoutMs: number | null;
}

/** Compiles a definition that has been checked, such as a stored one; throws for one with problems. */
export function compileWorkflow(definition: WorkflowDefinition): CompiledWorkflow {
  return compileWith(definition, buildGraph(definition));
}

/** Compiles with a graph that is built already. */
export function compileWith(definition: WorkflowDefinition, graph: Graph): CompiledWorkflow {
  return {
    definition,
    graph,
    steps: new Map(definition.steps.map((step) => [step.id, compileStep(step)])),
    output: template(definition.output, STEP_ROOTS),
    labels: new Map(
      Object.entries(definition.labels ?? {}).map(([name, text]) => [
        name,
        compileTemplate(text, { roots: LABEL_ROOTS }),
      ]),
    ),
    timeoutMs: definition.timeout === undefined ? null : parseDuration(definition.timeout),
  };
}

function compileStep(step: Step): CompiledStep {
  switch (step.type) {
    case "http":
      return compileHttp(step);
    case "transform":
      return { type: "transform", output: compileTemplate(step.config.output, { roots: STEP_ROOTS }) };
    case "condition":
      return compileCondition(step);
    case "delay":
      return {
        type: "delay",
        for: template(step.config.for, STEP_ROOTS),
        until: template(step.config.until, STEP_ROOTS),
      };
    case "subworkflow": {
      const { workflow, version = null, input, wait = true } = step.config;
      return { type: "subworkflow", input: template(input, STEP_ROOTS), workflow, version, wait };
    }
    default:
      return assertNever(step);
  }
}

function compileHttp({ config }: Step & { type: "http" }): CompiledHttp {
  const { method, url, headers, query, body, successIf } = config;
  const parts = Object.entries({ method, url, headers, query, body });
  const request: Json = Object.fromEntries(
    parts.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  return {
    type: "http",
    request: compileTemplate(request, { roots: HTTP_ROOTS }),
    successIf: successIf === undefined ? null : compileExpression(successIf, { roots: SUCCESS_IF_ROOTS }),
    bodyType: config.bodyType ?? "json",
    successStatus: config.successStatus ?? ["2xx"],
    response: config.response ?? "auto",
    followRedirects: config.followRedirects ?? false,
  };
}

function compileCondition({ config }: Step & { type: "condition" }): CompiledCondition {
  const isTwoWay = config.if !== undefined;
  const cases = isTwoWay ? [{ branch: "true", if: config.if }] : (config.cases ?? []);
  return {
    type: "condition",
    cases: cases.map(({ branch, if: source }) => ({
      branch,
      if: compileExpression(source ?? "", { roots: STEP_ROOTS }),
    })),
    otherwise: isTwoWay ? "false" : (config.otherwise ?? null),
  };
}

function template(value: Json | undefined, roots: readonly string[]): CompiledTemplate | null {
  return value === undefined ? null : compileTemplate(value, { roots });
}
