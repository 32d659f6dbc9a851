// The two public errors of this package, and the two internal signals they are made of.

export type ExpressionErrorCode =
  | "EXPRESSION_SYNTAX"
  | "EXPRESSION_FORBIDDEN"
  | "UNKNOWN_FUNCTION"
  | "UNKNOWN_REFERENCE"
  | "SECRET_NOT_ALLOWED";

/** One thing wrong with an expression, found without evaluating it. */
export interface ExpressionProblem {
  readonly code: ExpressionErrorCode;
  /** One sentence that names the place and, where there is one, the remedy. */
  readonly message: string;
  /** JSON Pointer inside the template; "" for a bare expression. */
  readonly path: string;
  /** 0-based offset in the string, in UTF-16 units. */
  readonly position: number;
}

/** Thrown by `compileExpression` and `compileTemplate`, with every problem found. */
export class ExpressionSyntaxError extends Error {
  override readonly name = "ExpressionSyntaxError";
  readonly problems: readonly ExpressionProblem[];

  constructor(problems: readonly ExpressionProblem[]) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    super((problems[0]?.message ?? "Not an expression.") + more);
    this.problems = problems;
  }
}

export type EvaluationErrorCode = "EXPRESSION_FAILED" | "SECRET_MISSING" | "TOO_LARGE";

/** Thrown by an evaluation. The message never holds a secret's value, nor more than a few words of data. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
  readonly code: EvaluationErrorCode;
  /** JSON Pointer inside the template; "" for a bare expression. */
  readonly path: string;

  constructor(code: EvaluationErrorCode, message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/** Internal: stops the reading of one expression; becomes an `ExpressionProblem`. */
export class SyntaxFault extends Error {
  readonly code: ExpressionErrorCode;
  readonly position: number;

  constructor(code: ExpressionErrorCode, message: string, position: number) {
    super(message);
    this.code = code;
    this.position = position;
  }
}

/** Internal: stops an evaluation; becomes an `EvaluationError` where the path is known. */
export class Failure extends Error {
  readonly code: EvaluationErrorCode;

  constructor(message: string, code: EvaluationErrorCode = "EXPRESSION_FAILED") {
    super(message);
    this.code = code;
  }
}
