// Judges an answer that has come: success, or why not and whether to try again. Pure, but for the step's own successIf.
import { STATUS_CODES } from "node:http";
import { LIMITS, type Json, type StepError } from "@keelson/contracts";
import type { AttemptOutcome } from "@keelson/engine";
import type { Redactor } from "../redact.ts";
import type { HttpStepConfig, PerformOptions } from "./attempt.ts";
import type { AnswerHead } from "./exchange.ts";
import { DEEPEST_BODY, excerptOf, interpretBody } from "./interpret.ts";
import { parseRetryAfter } from "./retry-after.ts";

/** Kept of an answer for the record and in an error's details, in bytes. */
export const EXCERPT_BYTES = 16 * 1024;

export interface Answer {
  readonly head: AnswerHead;
  readonly bytes: Buffer;
  readonly reading: "complete" | "tooLarge";
}

type Judging = Pick<PerformOptions, "config" | "successIf">;

/** Everything in the outcome that came from the target is redacted. */
export async function judgeAnswer(
  answer: Answer,
  options: Judging,
  redactor: Redactor,
  nowAt: number,
): Promise<AttemptOutcome> {
  const fail = (code: StepError["code"], message: string, retryable: boolean): AttemptOutcome => {
    const wait = retryable ? parseRetryAfter(answer.head.headers.get("retry-after") ?? [], nowAt) : null;
    return {
      kind: "failed",
      error: { code, message, details: detailsOf(answer, options.config, redactor) },
      retryable,
      ...(wait === null ? {} : { retryAfterMs: wait }),
      inDoubt: false,
    };
  };
  const { status } = answer.head;
  if (!isSuccess(status, options.config.successStatus)) {
    const words = STATUS_CODES[status] === undefined ? String(status) : `${status} ${STATUS_CODES[status]}`;
    return fail("HTTP_STATUS", `The target answered ${words}.`, isRetryable(status));
  }
  if (answer.reading === "tooLarge") {
    return fail("TOO_LARGE", `The answer is larger than ${LIMITS.httpResponseBytes} bytes.`, false);
  }
  const meaning = interpretBody(answer.bytes, contentTypeOf(answer.head), options.config.response);
  if (meaning.kind === "notJson") return fail("HTTP_REFUSED", "The answer is not JSON.", true);
  if (meaning.kind === "tooDeep") {
    return fail("TOO_LARGE", `The answer's JSON is nested deeper than ${DEEPEST_BODY} levels.`, false);
  }
  const output = redactor.json({ status, headers: outputHeaders(answer.head), body: meaning.body });
  if (Buffer.byteLength(JSON.stringify(output)) > LIMITS.stepOutputBytes) {
    return fail("TOO_LARGE", `The step's output would be larger than ${LIMITS.stepOutputBytes} bytes.`, false);
  }
  return judgeOutput(output, options, fail);
}

async function judgeOutput(
  output: Json,
  { successIf }: Judging,
  fail: (code: StepError["code"], message: string, retryable: boolean) => AttemptOutcome,
): Promise<AttemptOutcome> {
  try {
    if (successIf === undefined || (await successIf(output))) return { kind: "succeeded", output };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail("EXPRESSION_FAILED", `successIf: ${why}`, false);
  }
  return fail("HTTP_REFUSED", "The answer does not satisfy successIf.", true);
}

/** `"2xx"`, `"404"` and `404` match alike. */
export function isSuccess(status: number, successStatus: HttpStepConfig["successStatus"]): boolean {
  return successStatus.some((entry) => {
    const text = String(entry).toLowerCase();
    return text === String(status) || text === `${Math.floor(status / 100)}xx`;
  });
}

function isRetryable(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** `{ status, headers, body }`: the body as JSON or text; text of its first 16 KiB where it is longer. */
function detailsOf(answer: Answer, config: HttpStepConfig, redactor: Redactor): Json {
  const { head, bytes } = answer;
  const headers = redactor.json(outputHeaders(head));
  if (bytes.length <= EXCERPT_BYTES) {
    const meaning = interpretBody(bytes, contentTypeOf(head), config.response === "text" ? "text" : "auto");
    if (meaning.kind === "read") return { status: head.status, headers, body: redactor.json(meaning.body) };
  }
  return { status: head.status, headers, body: showBody(head, bytes, config, redactor) };
}

/**
 * The first 16 KiB of a body as text without secrets. Read a little further than shown, and cut by as much, so that a
 * secret across the boundary does not leave its beginning.
 */
export function showBody(head: AnswerHead, bytes: Buffer, config: HttpStepConfig, redactor: Redactor): string {
  const margin = redactor.longest * 4;
  const text = redactor.text(excerptOf(bytes, EXCERPT_BYTES + margin, contentTypeOf(head), config.response));
  const isCutOff = bytes.length > EXCERPT_BYTES + margin;
  return truncateText(isCutOff ? text.slice(0, text.length - redactor.longest) : text, EXCERPT_BYTES);
}

/** Cuts at a character's boundary, `bytes` of UTF-8 at most. */
function truncateText(text: string, bytes: number): string {
  const buffer = Buffer.from(text, "utf8");
  if (buffer.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--;
  return buffer.toString("utf8", 0, end);
}

function contentTypeOf(head: AnswerHead): string | null {
  return head.headers.get("content-type")?.[0] ?? null;
}

/** Names in lower case; repeated ones are joined with `, `, but `set-cookie` is always an array. */
function outputHeaders(head: AnswerHead): Json {
  return Object.fromEntries(
    [...head.headers].map(([name, values]) => [name, name === "set-cookie" ? [...values] : values.join(", ")]),
  );
}

/** As `outputHeaders`, but text alone. */
export function recordHeaders(head: AnswerHead, redactor: Redactor): { readonly [name: string]: string } {
  return Object.fromEntries(
    [...head.headers].map(([name, values]) => [redactor.text(name), redactor.text(values.join(", "))]),
  );
}
