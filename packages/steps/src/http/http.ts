// The http step: its template is evaluated and frozen without secrets; each attempt puts them in, and sends.
import { isJsonObject, type Json, type StepError } from "@keelson/contracts";
import type { CompiledHttp } from "@keelson/dag";
import type { EffectResult, PerformContext, StepKind } from "@keelson/engine";
import {
  EvaluationError,
  evaluateExpression,
  evaluateTemplate,
  isTruthy,
  resolveSecrets,
  type Scope,
} from "@keelson/expressions";
import { createRedactor } from "../redact.ts";
import { wrongStep } from "../wrong-step.ts";
import type { HttpClient } from "./client.ts";
import { buildHttpRequest, type BuiltRequest } from "./request.ts";

export function createHttpStep(client: HttpClient): StepKind {
  return {
    evaluate({ compiled, scope, frozen }) {
      if (compiled.type !== "http") throw wrongStep("http", compiled);
      const input = frozen ?? evaluateTemplate(compiled.request, scope, { secrets: "mask" });
      const built = build(compiled, input);
      return built.kind === "failed" ? built : { kind: "request", input };
    },

    async perform({ step, compiled, scope, input, idempotencyKey, trace, signal, inTurn }) {
      if (compiled.type !== "http") throw wrongStep("http", compiled);
      let secretValues: string[] = [];
      try {
        const resolved = await inTurn(() => resolveSecrets(compiled.request, input, scope));
        secretValues = resolved.used;
        const built = build(compiled, resolved.value);
        if (built.kind === "failed") return notSent(redactError(built.error, secretValues));
        const stored = build(compiled, input);
        return await client.perform(built.request, {
          idempotencyKey,
          trace,
          timeoutMs: step.timeoutMs ?? 30_000,
          signal,
          config: compiled,
          successIf: judgeOf(compiled, scope, inTurn),
          secretValues,
          frozen: stored.kind === "built" ? stored.request : undefined,
        });
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        return notSent({ code: error.code, message: error.message });
      }
    },
  };
}

function build(compiled: CompiledHttp, request: Json): BuiltRequest {
  return buildHttpRequest({ ...(isJsonObject(request) ? request : {}), bodyType: compiled.bodyType });
}

function judgeOf(
  compiled: CompiledHttp,
  scope: Scope,
  inTurn: PerformContext["inTurn"],
): ((response: Json) => Promise<boolean>) | undefined {
  const { successIf } = compiled;
  return successIf === null
    ? undefined
    : (response) => inTurn(() => isTruthy(evaluateExpression(successIf, { ...scope, response })));
}

/** An expression that fails is never tried again. */
function notSent(error: StepError): EffectResult {
  return { outcome: { kind: "failed", error, retryable: false, inDoubt: false }, request: null, response: null };
}

function redactError(error: StepError, secretValues: readonly string[]): StepError {
  const message = createRedactor(secretValues)(error.message);
  return { ...error, message: typeof message === "string" ? message : "" };
}
