// What a step type must be able to do; packages/steps has one folder for each.
import type { Json, TraceContext } from "@keelson/contracts";
import type { CompiledStep, GraphStep } from "@keelson/dag";
import type { Scope } from "@keelson/expressions";
import type { Evaluation } from "../core/messages.ts";
import type { EffectResult } from "./ports.ts";

export interface ChildRequest {
  readonly workflow: string;
  /** Null: the latest when the step starts. */
  readonly version: number | null;
  readonly input: Json;
  readonly wait: boolean;
}

export interface EvaluateContext {
  readonly step: GraphStep;
  readonly compiled: CompiledStep;
  /** Without secrets: what is stored holds neither a secret nor anything computed from one (I8). */
  readonly scope: Scope;
  /** The input frozen by an earlier attempt: used as it is, so that a retry sends the same bytes. */
  readonly frozen: Json | null;
  /** PostgreSQL's time; epoch ms. */
  readonly at: number;
  /** Picks the child's version and checks that it may start; answers with the evaluation to return. */
  planChild(request: ChildRequest): Promise<Evaluation>;
}

export interface PerformContext {
  readonly step: GraphStep;
  readonly compiled: CompiledStep;
  /** With the secrets that the step names. */
  readonly scope: Scope;
  readonly input: Json;
  readonly idempotencyKey: string;
  /** To be sent along, unless the document sets its own. */
  readonly trace: TraceContext | null;
  readonly signal: AbortSignal;
  /** Evaluates when it is the tenant's turn; what is not evaluated through it may hold up every tenant. */
  readonly inTurn: <T>(work: () => T) => Promise<T>;
}

export interface StepKind {
  /** Evaluates the step's templates. Touches nothing outside the process but through `planChild`; throws EvaluationError. */
  evaluate(context: EvaluateContext): Evaluation | Promise<Evaluation>;
  /** Carries out the effect of one attempt; never rejects. Only for types with an effect. */
  perform?(context: PerformContext): Promise<EffectResult>;
}

export type StepKinds = { readonly [type in GraphStep["type"]]: StepKind };
