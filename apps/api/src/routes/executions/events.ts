import { EventListQuery, EventSeq, type ExecutionEvent, ExecutionEventPage } from "@keelson/contracts";
import { type EventRow, executionEvents } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import type { Request } from "express";
import { streamEvents } from "../../executions/stream-events.ts";
import { pagingOf } from "../../http/paging.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** As a list; or, where `Accept` asks for it, as a stream that lasts until the execution ends. */
export const listEvents = tenantRoute({
  method: "get",
  path: "/v1/executions/:id/events",
  answers: { 200: ExecutionEventPage },
  doc: {
    operationId: "listEvents",
    tag: "Executions",
    summary: "List an execution's events, or follow them",
    description: "Oldest first, without a hole, and never with a payload.",
    refusals: [],
    requestHeaders: ["Last-Event-ID"],
    stream:
      "With `Accept: text/event-stream`: the history, then what happens, until the execution has ended. `id` is the event's `seq`, `event` its `type`, `data` the event as JSON; a comment every 15 s; the last one is `event: end`. `Last-Event-ID` goes on where a stream was cut off.",
  },
  scope: "read",
  params: IdPath,
  query: EventListQuery,
  async handle(call) {
    const { params, query, caller, req, res, deps } = call;
    const tenantId = caller.tenant.id;
    const after = query.after ?? 0;
    if (req.accepts(["json", "text/event-stream"]) === "text/event-stream") {
      const from = lastEventId(req) ?? after;
      await streamEvents({ deps, res, tenantId, executionId: params.id, after: from, present: presentEvent });
      return null;
    }
    const paging = pagingOf(call, `events of ${params.id}`, query);
    const page = { after: paging.before === null ? after : Number(paging.before), limit: paging.limit + 1 };
    const rows = await deps.db.withTenant(tenantId, (tx) => executionEvents(tx, tenantId, params.id, page));
    if (rows === null) throw new AppError("NOT_FOUND");
    const items = rows.slice(0, paging.limit);
    const more = rows.length > paging.limit;
    return { status: 200, body: paging.answer({ items, more }, presentEvent, (event) => String(event.seq)) };
  },
});

function presentEvent({ seq, at, type, stepId, attempt, data = {} }: EventRow): ExecutionEvent {
  return {
    seq,
    at: at.toISOString(),
    type,
    ...(stepId === undefined ? {} : { stepId }),
    ...(attempt === undefined ? {} : { attempt }),
    data: { ...data },
  };
}

/** Sent by a client that was cut off. */
function lastEventId(req: Request): number | null {
  const header = req.get("last-event-id");
  if (header === undefined || header === "") return null;
  const seq = EventSeq.safeParse(header);
  if (seq.success) return seq.data;
  const message = `Last-Event-ID must be the \`id\` of an event, a whole number, but is ${JSON.stringify(header.slice(0, 100))}.`;
  throw new AppError("INVALID_REQUEST", {
    errors: [{ path: "header:Last-Event-ID", code: "INVALID_FORMAT", message }],
  });
}
