import { z } from "zod";

const count = z.int().nonnegative();

/** What a worker says of itself twice a second, in the row that its leases hang on. */
export const WorkerHeartbeat = z.object({
  host: z.string(),
  pid: z.int(),
  /** Executions in progress, each in a slot. */
  executions: count,
  slots: count,
  /** Offers of executions that wait for a slot. */
  waiting: count,
  rssBytes: count,
  /** 99th percentile since the beat before: how much later than asked for a timer fired; ms. */
  loopLagP99Ms: z.number().nonnegative(),
  /** It takes nothing more, and ends when what it has is done with or given back. */
  draining: z.boolean(),
  /** Since it started: commits, attempts, those of them that did not succeed, and executions that ended here. */
  commits: count,
  attempts: count,
  attemptsFailed: count,
  ended: count,
});
export type WorkerHeartbeat = z.infer<typeof WorkerHeartbeat>;
