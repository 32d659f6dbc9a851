// Workers that go and come in the middle of a load: one is killed, one is started, one is stopped, in one go. Throughput in
// between, and whether each execution came to its end and each request to the target once.
import { setTimeout as sleep } from "node:timers/promises";
import { eachAccounted } from "../account.ts";
import { monotonicMs } from "../clock.ts";
import { workloads } from "../workflows.ts";
import { againAfterMs, rateWithin, repeatedWithoutCause } from "./arithmetic.ts";
import { hooksOf, setFleet, type Fleet } from "./fleet.ts";
import { lanesFor, warmMs, type Site } from "./point.ts";

/** What a killed worker held comes again once its death has been noticed: about so long. */
const NOTICED_WITHIN_MS = 2_000;

export interface Phase {
  readonly what: string;
  readonly workers: number;
  readonly perSecond: number;
}

export interface Faults {
  readonly fleet: Fleet;
  readonly phases: readonly Phase[];
  /** When each request that the killed worker had sent came a second time, in ms from the kill, ascending. */
  readonly againAfterMs: readonly number[];
  readonly accepted: number;
  readonly refused: number;
  readonly lost: number;
  /** Requests that came again without that cause, and executions that nobody asked for. */
  readonly doubled: number;
}

export async function measureFaults(site: Site, fleet: Fleet): Promise<Faults> {
  const { bench, concurrency, delayMs, signal } = site;
  const { stack } = bench;
  const last = stack.instances.worker[fleet.worker - 1];
  if (last === undefined || fleet.worker < 2) throw new Error("It takes two workers for one to go");
  await setFleet(stack, fleet, signal);
  const account = await eachAccounted(bench, workloads.W1);
  const hooks = hooksOf(stack, bench.hooks.W1, fleet);
  await bench.load.startLanes({ hooks, lanes: lanesFor(fleet.worker, concurrency) });
  await sleep(warmMs(site.seconds));

  const phaseMs = site.seconds * 1000;
  const beganMs = monotonicMs();
  await sleep(phaseMs);
  const killedAtMs = monotonicMs();
  last.process.kill("SIGKILL");
  await last.process.stop(); // or its supervisor would start it again
  await sleep(NOTICED_WITHIN_MS + phaseMs);
  const startedMs = monotonicMs();
  await last.process.start();
  await stack.untilReady(last);
  const readyMs = monotonicMs();
  await sleep(phaseMs);
  const stoppedMs = monotonicMs();
  await last.process.stop();
  await sleep(phaseMs);
  const endMs = monotonicMs();

  const { ends } = await bench.load.stopLanes();
  const repeats = await bench.target.repeats();
  const { figures } = await account();
  const without = new Set(repeatedWithoutCause(repeats, killedAtMs, delayMs));
  const explained = repeats.filter((repeat) => !without.has(repeat));
  const noticedMs = killedAtMs + NOTICED_WITHIN_MS;
  const phase = (what: string, workers: number, fromMs: number, untilMs: number): Phase => ({
    what,
    workers,
    perSecond: rateWithin(ends, fromMs, untilMs),
  });
  return {
    fleet,
    phases: [
      phase("before", fleet.worker, beganMs, killedAtMs),
      phase("one killed: the first two seconds", fleet.worker - 1, killedAtMs, noticedMs),
      phase("… afterwards", fleet.worker - 1, noticedMs, startedMs),
      phase("one added, once it is ready", fleet.worker, readyMs, stoppedMs),
      phase("one stopped", fleet.worker - 1, stoppedMs, endMs),
    ],
    againAfterMs: againAfterMs(explained, killedAtMs),
    ...figures,
    doubled: figures.doubled - explained.length,
  };
}
