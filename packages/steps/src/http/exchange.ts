// One request and the head of its answer, on undici. Owns: knowing whether anything was sent, and closing at once.
//  X1. `onSending` is called before the first byte goes out, and only then may the target have seen the request.
//  X2. An abort settles at once, also while the socket is still connecting; a request aborted then is never sent.
import { Readable } from "node:stream";
import { failPoint } from "@keelson/contracts";
import type { Dispatcher } from "undici";
import type { Message } from "./message.ts";

export interface AnswerHead {
  readonly status: number;
  /** Names in lower case; several values in the order they came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Destroying it closes the socket, unless the answer is complete. */
  readonly body: Readable;
}

/** The answer has more headers, or more hints before it, than anyone needs. */
export class TooManyHeaders extends Error {
  override readonly name = "TooManyHeaders";
}

const MOST_HEADERS = 1_000;
/** Answers before the answer (1xx): a flood of them would keep the process busy until the attempt's time is over. */
const MOST_HINTS = 100;

/** Buffered of an answer that is not read yet, in bytes. */
const BUFFERED_BYTES = 16 * 1024;

/** Rejects with undici's or the socket's error, or with the signal's reason; later errors destroy `body`. */
export function exchange(
  dispatcher: Dispatcher,
  message: Message,
  signal: AbortSignal,
  onSending: () => void,
): Promise<AnswerHead> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const handler = createHandler({ signal, onSending, resolve, reject });
    dispatcher.dispatch(
      {
        origin: message.url.origin,
        path: message.url.pathname + message.url.search,
        method: message.method,
        headers: [...message.headers].flat(),
        body: message.body,
      },
      handler,
    );
  });
}

interface Settle {
  readonly signal: AbortSignal;
  readonly onSending: () => void;
  readonly resolve: (head: AnswerHead) => void;
  readonly reject: (error: unknown) => void;
}

function createHandler({ signal, onSending, resolve, reject }: Settle): Dispatcher.DispatchHandler {
  let controller: Dispatcher.DispatchController | null = null;
  let body: Readable | null = null;
  let hints = 0;
  const reasonOf = () => (signal.reason instanceof Error ? signal.reason : new Error("aborted"));
  const onAbort = () => {
    reject(signal.reason);
    controller?.abort(reasonOf());
    body?.destroy(reasonOf());
  };
  const done = () => signal.removeEventListener("abort", onAbort);
  signal.addEventListener("abort", onAbort, { once: true });
  return {
    onRequestStart(started) {
      controller = started;
      if (signal.aborted) started.abort(reasonOf());
      else onSending();
    },
    onRequestSent: () => failPoint("worker.request.sent"),
    onResponseStart(started, status, headers) {
      if (status < 200) {
        hints += 1;
        if (hints > MOST_HINTS) started.abort(new TooManyHeaders());
        return;
      }
      const read = readHeaders(headers);
      if ([...read.values()].flat().length > MOST_HEADERS) {
        started.abort(new TooManyHeaders());
        return;
      }
      body = createBody(started);
      resolve({ status, headers: read, body });
    },
    onResponseData(started, chunk) {
      if (body?.push(chunk) === false) started.pause();
    },
    onResponseEnd() {
      done();
      body?.push(null);
    },
    onResponseError(_, error) {
      done();
      reject(error);
      body?.destroy(error);
    },
  };
}

function createBody(controller: Dispatcher.DispatchController): Readable {
  const body = new Readable({
    highWaterMark: BUFFERED_BYTES,
    read: () => controller.resume(),
    destroy(error, callback) {
      // Without effect on an answer that is complete: its socket is kept.
      if (!body.readableEnded) controller.abort(error ?? new Error("the answer was not wanted"));
      callback(error);
    },
  });
  // Whoever reads it sees the error; an answer that nobody reads must not end the process.
  body.on("error", () => undefined);
  return body;
}

function readHeaders(headers: { readonly [name: string]: string | string[] | undefined }): AnswerHead["headers"] {
  const entries = Object.entries(headers).map(([name, value]): [string, string[]] => [
    name.toLowerCase(),
    value === undefined ? [] : [value].flat(),
  ]);
  return new Map(entries);
}
