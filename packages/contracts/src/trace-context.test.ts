import { expect, it } from "vitest";
import { parseTraceContext } from "./trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

it("keeps a well-formed context as it is", () => {
  const traceparent = `00-${TRACE}-${SPAN}-01`;
  expect(parseTraceContext(traceparent)).toEqual({ traceparent });
  expect(parseTraceContext(traceparent, "rojo=00f067aa0ba902b7")).toEqual({
    traceparent,
    tracestate: "rojo=00f067aa0ba902b7",
  });
});

it("takes of a later version what it knows", () => {
  expect(parseTraceContext(`01-${TRACE}-${SPAN}-01-more`)).toEqual({ traceparent: `01-${TRACE}-${SPAN}-01` });
});

it.each([
  undefined,
  "",
  `00-${TRACE}-${SPAN}`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01-more`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01\r\nx-admin: 1`,
])("ignores what is malformed: %j", (traceparent) => {
  expect(parseTraceContext(traceparent)).toBeNull();
});

it("drops a state that is too long or could break a header, and keeps the rest", () => {
  const traceparent = `00-${TRACE}-${SPAN}-01`;
  expect(parseTraceContext(traceparent, "a".repeat(513))).toEqual({ traceparent });
  expect(parseTraceContext(traceparent, "a=1\r\nx: 1")).toEqual({ traceparent });
});
