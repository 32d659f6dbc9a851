import type { Response } from "express";

/** Aborts when the caller has gone before the answer was complete. */
export function untilGone(res: Response): AbortSignal {
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  return gone.signal;
}
