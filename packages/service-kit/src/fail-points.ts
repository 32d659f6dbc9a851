// What makes fail points work: the process that was told of one announces it and stands still for ever, so that whoever
// listens can look at what is true at that moment, and then kill it.
import { FAIL_POINTS, type FailPoint, onFailPoint } from "@keelson/contracts";
import { z } from "zod";

export interface ChosenFailPoint {
  readonly point: FailPoint;
  /** At which time of reaching it, from 1. */
  readonly time: number;
}

export interface FailPointEnv {
  readonly NODE_ENV?: string | undefined;
  readonly KEELSON_FAIL_POINT?: ChosenFailPoint | undefined;
}

interface FailPointLog {
  warn(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
}

/** `worker.commit.answered`, or `worker.commit.answered@2` for the second time that it is reached. */
export function envFailPoint(): z.ZodType<ChosenFailPoint, string> {
  return z.string().transform((text, context) => {
    const [, name = "", time = "1"] = /^([a-z.]+)(?:@([1-9]\d{0,5}))?$/.exec(text) ?? [];
    if (isFailPoint(name)) return { point: name, time: Number(time) };
    const known = Object.keys(FAIL_POINTS).join(", ");
    context.addIssue({ code: "custom", message: `expected one of ${known}; with @n at its end, the nth time there` });
    return z.NEVER;
  });
}

/** Of a service's environment: production has no fail point. */
export function refuseFailPointInProduction(env: FailPointEnv, context: z.RefinementCtx): void {
  if (env.NODE_ENV !== "production" || env.KEELSON_FAIL_POINT === undefined) return;
  context.addIssue({
    code: "custom",
    path: ["KEELSON_FAIL_POINT"],
    message: "makes the process stand still, for tests alone: leave it out where NODE_ENV is production",
  });
}

/** From now on this process stands still at the fail point, if one was chosen. It says so before; only SIGKILL helps then. */
export function standAtFailPoint(
  chosen: ChosenFailPoint | undefined,
  log: FailPointLog,
  stand: () => void = standStill,
): void {
  if (chosen === undefined) return;
  const fields = { fail_point: chosen.point, time: chosen.time };
  log.warn(fields, "fail_point.set");
  let times = 0;
  onFailPoint((point) => {
    if (point !== chosen.point) return;
    times += 1;
    if (times !== chosen.time) return;
    log.fatal(fields, "fail_point.reached");
    stand();
  });
}

/** The thread that runs everything stops here: no timer, no socket, no signal handler goes on. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function isFailPoint(name: string): name is FailPoint {
  return Object.hasOwn(FAIL_POINTS, name);
}
