import { PROBLEMS, type ProblemCode, type ProblemError } from "@keelson/contracts";

export interface AppErrorOptions extends ErrorOptions {
  /** Public sentence about this occurrence; left out, the catalogue's own stands. */
  readonly detail?: string;
  readonly errors?: readonly ProblemError[];
  /** Headers of the answer, e.g. `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal out of the closed catalogue `PROBLEMS`. All but `cause` is shown to the caller; `cause` goes to logs alone. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string | undefined;
  readonly errors: readonly ProblemError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, options: AppErrorOptions = {}) {
    super(options.detail ?? PROBLEMS[code].sentence, { cause: options.cause });
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.detail = options.detail;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }
}
