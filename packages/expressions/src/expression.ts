// One expression, from its text to its value.
import type { Json } from "@keelson/contracts";
import { compile } from "./compile.ts";
import type { Run } from "./context.ts";
import { EvaluationError, ExpressionSyntaxError, Failure, SyntaxFault } from "./errors.ts";
import { DEFAULT_BUDGET, Frame, type Budget, type Scope } from "./frame.ts";
import { parse } from "./parse.ts";
import { DEFAULT_ROOTS, Findings, referencesOf, type References } from "./references.ts";
import { isTruthy } from "./kinds.ts";
import { jsonBytes } from "./sizes.ts";

export interface CompileOptions {
  /** Names that may be read; default `input trigger steps execution secrets`. */
  readonly roots?: readonly string[];
}

/** A checked expression. All but `references` is for this package alone. */
export interface CompiledExpression {
  readonly references: References;
  readonly source: string;
  readonly run: Run;
}

/** @throws ExpressionSyntaxError */
export function compileExpression(source: string, options: CompileOptions = {}): CompiledExpression {
  const findings = new Findings(options.roots ?? DEFAULT_ROOTS, "", 0);
  const run = compileSource(source, findings);
  if (run === undefined || findings.problems.length > 0) throw new ExpressionSyntaxError(findings.problems);
  return { references: referencesOf(findings.places), source, run };
}

/** Compiles one expression; undefined if it does not parse. Problems are noted in `findings`. */
export function compileSource(source: string, findings: Findings): Run | undefined {
  try {
    const { tree, tokens } = parse(source);
    return compile(tree, { source, tokens, findings, names: new Map(), slots: { next: 0 }, compile });
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    findings.fault(error);
    return undefined;
  }
}

/** @throws EvaluationError */
export function evaluateExpression(compiled: CompiledExpression, scope: Scope, budget: Budget = DEFAULT_BUDGET): Json {
  const frame = new Frame(scope, budget.steps, "", compiled.references.secrets.size > 0);
  const { value } = evaluateIn(frame, compiled, "", budget.bytes);
  return value;
}

/**
 * The place of the first that is truthy, -1 where none is. One budget of work bounds them together, lest many of them be
 * many times the work.
 * @throws EvaluationError
 */
export function findTruthy(expressions: readonly CompiledExpression[], scope: Scope, budget = DEFAULT_BUDGET): number {
  let stepsLeft = budget.steps;
  return expressions.findIndex((compiled) => {
    const frame = new Frame(scope, stepsLeft, "", compiled.references.secrets.size > 0);
    const { value } = evaluateIn(frame, compiled, "", budget.bytes);
    stepsLeft = frame.stepsLeft;
    return isTruthy(value);
  });
}

/**
 * Evaluates in a frame and measures the result against `bytesLeft`.
 * @throws EvaluationError that names `path`
 */
export function evaluateIn(
  frame: Frame,
  expression: { readonly source: string; readonly run: Run },
  path: string,
  bytesLeft: number,
): { readonly value: Json; readonly bytes: number } {
  try {
    const value = expression.run(frame);
    return { value, bytes: jsonBytes(value, bytesLeft) };
  } catch (error) {
    throw evaluationError(error, expression.source, path);
  }
}

/** What went wrong, with the expression it went wrong in; a fault of our own is told apart by its `cause`. */
export function evaluationError(error: unknown, source: string, path: string): EvaluationError {
  if (error instanceof EvaluationError) return error;
  const text = source.trim();
  const quoted = text.length > 80 ? `${text.slice(0, 77)}…` : text;
  if (error instanceof Failure) return new EvaluationError(error.code, `${error.message} (in ${quoted})`, path);
  return new EvaluationError("EXPRESSION_FAILED", `The expression cannot be evaluated. (in ${quoted})`, path, {
    cause: error,
  });
}
