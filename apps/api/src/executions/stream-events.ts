// An execution's events as server-sent events: the history, then live until it ends. `id` is the event's seq, so that a
// client which was cut off goes on without a hole.

import { once } from "node:events";
import { type ExecutionEvent, isEnded } from "@keelson/contracts";
import { type EventRow, type ExecutionProgress, executionEvents, executionsProgress } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import type { Response } from "express";
import type { ApiDeps } from "../deps.ts";
import { untilGone } from "../http/until-gone.ts";

interface Stream {
  readonly deps: ApiDeps;
  readonly res: Response;
  readonly tenantId: string;
  readonly executionId: string;
  /** The last seq that the client has. */
  readonly after: number;
  readonly present: (event: EventRow) => ExecutionEvent;
}

/** Events read at a time. */
const CHUNK = 500;
/** Keeps proxies from closing a silent connection. */
const COMMENT_EVERY_MS = 15_000;

/** Writes the whole answer. Refuses with `NOT_FOUND` before the first byte. */
export async function streamEvents(stream: Stream): Promise<void> {
  const { deps, res } = stream;
  let events = await eventsAfter(stream, stream.after);
  const signal = AbortSignal.any([untilGone(res), deps.stopping]);
  res.status(200).set({ "cache-control": "no-store", "x-accel-buffering": "no" });
  // By hand: Express would add a charset.
  res.setHeader("content-type", "text/event-stream");
  res.flushHeaders();
  const comments = setInterval(() => res.write(": still here\n\n"), COMMENT_EVERY_MS);
  try {
    let after = stream.after;
    while (!signal.aborted) {
      for (const event of events) await write(res, frameOf(stream.present(event)), signal);
      after = events.at(-1)?.seq ?? after;
      if (events.length < CHUNK && (await hasEnded(stream, after))) {
        await write(res, "event: end\ndata: {}\n\n", signal);
        break;
      }
      if (events.length < CHUNK) await untilNext(stream, after, signal);
      events = signal.aborted ? [] : await eventsAfter(stream, after);
    }
  } finally {
    clearInterval(comments);
    res.end();
  }
}

async function eventsAfter({ deps, tenantId, executionId }: Stream, after: number): Promise<EventRow[]> {
  const page = { after, limit: CHUNK };
  const events = await deps.db.withTenant(tenantId, (tx) => executionEvents(tx, tenantId, executionId, page));
  if (events === null) throw new AppError("NOT_FOUND");
  return events;
}

/** Only where nothing has come after what was sent: a retry may have reopened it. */
async function hasEnded(stream: Stream, after: number): Promise<boolean> {
  const { deps, tenantId, executionId } = stream;
  const [now] = await deps.db.withTenant(tenantId, (tx) => executionsProgress(tx, tenantId, [executionId]));
  return now === undefined || (isEnded(now.status) && now.seq <= after);
}

function untilNext({ deps, tenantId, executionId }: Stream, after: number, signal: AbortSignal): Promise<void> {
  const isThere = ({ seq, status }: ExecutionProgress) => seq > after || isEnded(status);
  return deps.watcher.until({ tenantId, executionId, isThere, withinMs: COMMENT_EVERY_MS, signal });
}

function frameOf(event: ExecutionEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Waits where the client reads more slowly than the history comes. */
async function write(res: Response, frame: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || res.write(frame)) return;
  await once(res, "drain", { signal }).catch(() => undefined);
}
