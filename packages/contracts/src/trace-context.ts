// W3C Trace Context (https://www.w3.org/TR/trace-context/): what lets a request that has come in and the requests that go
// out because of it be seen as one trace.

export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`, in lower case. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

const TRACEPARENT = /^[0-9a-e][0-9a-f]-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** What a version other than ours may add. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}-./;
const LONGEST_STATE_CHARS = 512;
const TRACESTATE = /^[\x20-\x7e]+$/;

/** The context in a request's headers; null where there is none or it is malformed: a trace then begins anew. */
export function parseTraceContext(traceparent: string | undefined, tracestate?: string): TraceContext | null {
  if (traceparent === undefined) return null;
  const own = LATER_VERSION.test(traceparent) ? traceparent.slice(0, 55) : traceparent;
  if (!TRACEPARENT.test(own)) return null;
  const isKept = tracestate !== undefined && tracestate.length <= LONGEST_STATE_CHARS && TRACESTATE.test(tracestate);
  return isKept ? { traceparent: own, tracestate } : { traceparent: own };
}
