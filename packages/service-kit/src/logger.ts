import { type DestinationStream, type LevelWithSilent, type Logger, pino } from "pino";
import { openLogOutput } from "./log-output.ts";

export type { Logger } from "pino";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

// A second wall only: wide events carry ids, counts and outcomes, and no headers or payloads to begin with (I8).
const REDACTED_FIELDS =
  "authorization cookie password secret secrets token apiKey api_key key value body rawBody input output payload".split(
    " ",
  );

const MAX_CAUSES = 5;
const STDOUT = 1;

/** Logs JSON lines to stdout: `time` as RFC 3339, `level` as a word, `service`, `pid`. */
export function createLogger(options: {
  readonly service: string;
  readonly level: LevelWithSilent;
  readonly destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: {
        paths: [...REDACTED_FIELDS, ...REDACTED_FIELDS.map((field) => `*.${field}`), "headers", "*.headers"],
        censor: "***",
      },
    },
    options.destination ?? openLogOutput(STDOUT),
  );
}

/** Name, message, code, stack and causes; never other fields, since pg's errors carry values of rows in theirs. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  return {
    type: error.name,
    message: error.message,
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause !== undefined && depth < MAX_CAUSES ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}
