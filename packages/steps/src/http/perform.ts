// Performs one attempt of an http step: request, redirects, answer, verdict. Never rejects for what a target does.
//  P1. Nothing leaves without the guards of ../egress: the URL here, the address in the connector (I10).
//  P2. All that is returned is redacted (I8).
//  P3. One clock bounds the whole attempt; at its end, or when the caller aborts, the socket is closed at once.
import { failPoint } from "@keelson/contracts";
import type { Dispatcher } from "undici";
import type { AddressPolicy } from "../egress/addresses.ts";
import { createTextRedactor, type Redactor } from "../redact.ts";
import type { HttpAttempt, HttpRequestInput, PerformOptions, RequestRecord, ResponseRecord } from "./attempt.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { exchange, type AnswerHead } from "./exchange.ts";
import {
  AttemptAborted,
  AttemptTimeout,
  describeFailure,
  describeFault,
  type FailedOutcome,
  type Progress,
} from "./failures.ts";
import { prepareMessage, recordRequest, type Message } from "./message.ts";
import { createBodyReader, type BodyReader } from "./read-body.ts";
import { MOST_REDIRECTS, nextMessage } from "./redirect.ts";
import { EXCERPT_BYTES, judgeAnswer, recordHeaders, showBody } from "./verdict.ts";

export interface PerformDeps {
  readonly dispatcher: Dispatcher;
  readonly policy: AddressPolicy;
  readonly budget: ByteBudget;
  /** Epoch ms, for dates in `Retry-After`. */
  readonly nowAt: () => number;
  /** Told of faults of the program, which become failed outcomes as well. */
  readonly onFault: (error: unknown) => void;
}

/** What is known of an attempt while it is under way. */
interface Trace extends Progress {
  message: Message | null;
  head: AnswerHead | null;
  reader: BodyReader | null;
  /** The answer's body has come whole. */
  complete: boolean;
}

export async function performRequest(
  request: HttpRequestInput,
  options: PerformOptions,
  deps: PerformDeps,
): Promise<HttpAttempt> {
  const redactor = createTextRedactor(options.secretValues);
  const trace: Trace = { target: "the target", sent: false, message: null, head: null, reader: null, complete: false };
  const limit = startLimit(options);
  let outcome: HttpAttempt["outcome"];
  try {
    outcome = await converse(request, { options, deps, redactor, trace, signal: limit.signal });
  } catch (error) {
    const described = describeFailure(limit.signal.aborted ? limit.signal.reason : error, trace);
    if (described === null) deps.onFault(error);
    outcome = described ?? describeFault(trace);
  } finally {
    limit.stop();
  }
  return {
    outcome: redactMessage(outcome, redactor),
    request: redactRequest(recordRequest(request, trace.message, options.frozen), redactor),
    response: recordResponse(trace, options, redactor),
  };
}

interface Conversation {
  readonly options: PerformOptions;
  readonly deps: PerformDeps;
  readonly redactor: Redactor;
  readonly trace: Trace;
  readonly signal: AbortSignal;
}

async function converse(request: HttpRequestInput, conversation: Conversation): Promise<HttpAttempt["outcome"]> {
  const { options, deps, redactor, trace, signal } = conversation;
  let message = prepareMessage(request, options, deps.policy);
  trace.message = message;
  for (let redirects = 0; ; redirects++) {
    trace.target = message.url.host;
    const head = await exchange(deps.dispatcher, message, signal, () => (trace.sent = true));
    failPoint("worker.response.headers");
    trace.head = head;
    const next = options.config.followRedirects ? nextOrDiscard(message, head, conversation) : null;
    if (next === null) return readAndJudge(head, conversation);
    head.body.destroy();
    if (redirects === MOST_REDIRECTS) return tooManyRedirects(head, redactor);
    message = next;
  }
}

function nextOrDiscard(message: Message, head: AnswerHead, { deps, redactor }: Conversation): Message | null {
  try {
    return nextMessage(message, head, deps.policy, redactor);
  } catch (error) {
    head.body.destroy();
    throw error;
  }
}

async function readAndJudge(head: AnswerHead, conversation: Conversation): Promise<HttpAttempt["outcome"]> {
  const { options, deps, redactor, trace, signal } = conversation;
  const reader = createBodyReader(head, deps.budget, signal);
  trace.reader = reader;
  const reading = await reader.read();
  failPoint("worker.response.read");
  trace.complete = reading === "complete";
  return judgeAnswer({ head, bytes: reader.received.bytes(), reading }, options, redactor, deps.nowAt());
}

function tooManyRedirects(head: AnswerHead, redactor: Redactor): FailedOutcome {
  const details = { status: head.status, headers: recordHeaders(head, redactor), body: null };
  const message = `The target redirects more than ${MOST_REDIRECTS} times.`;
  return { kind: "failed", error: { code: "HTTP_STATUS", message, details }, retryable: false, inDoubt: false };
}

/** The longest a timer can run, in ms: longer ones would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function startLimit({ timeoutMs, signal }: PerformOptions): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const onAbort = () => controller.abort(new AttemptAborted());
  const timer = setTimeout(
    () => controller.abort(new AttemptTimeout(`No complete answer within ${timeoutMs} ms,`)),
    Math.min(timeoutMs, LONGEST_TIMER_MS),
  );
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    signal: controller.signal,
    stop() {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

function redactMessage(outcome: HttpAttempt["outcome"], redactor: Redactor): HttpAttempt["outcome"] {
  if (outcome.kind === "succeeded") return outcome;
  return { ...outcome, error: { ...outcome.error, message: redactor.text(outcome.error.message) } };
}

function redactRequest(record: RequestRecord, redactor: Redactor): RequestRecord {
  const headers = Object.entries(record.headers).map(([name, value]) => [name, redactor.text(value)]);
  return { ...record, url: redactor.text(record.url), headers: Object.fromEntries(headers) };
}

function recordResponse(trace: Trace, { config }: PerformOptions, redactor: Redactor): ResponseRecord | null {
  if (trace.head === null) return null;
  const bytes = trace.reader?.received.bytes() ?? Buffer.alloc(0);
  return {
    status: trace.head.status,
    headers: recordHeaders(trace.head, redactor),
    bytes: bytes.length,
    body: showBody(trace.head, bytes, config, redactor),
    truncated: !trace.complete || bytes.length > EXCERPT_BYTES,
  };
}
