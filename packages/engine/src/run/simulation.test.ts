// Random interleavings of real workers, over a database in memory and in virtual time; the conformance suite keeps that
// database honest. SIMULATION_SECONDS says how long, SIMULATION_SEED and SIMULATION_PATH play one again.
import { expect, it } from "vitest";
import { interleave } from "./testing/simulation/interleavings.ts";

const SECONDS = Number(process.env["SIMULATION_SECONDS"] ?? 5);
const SEED = process.env["SIMULATION_SEED"];
/** For making a failure smaller, on a busy machine; ms. */
const TIMEOUT_MS = SECONDS * 1_000 + 120_000;

it(
  "ends as the reference says and keeps I1 to I7, however turns, faults and lost words fall",
  { timeout: TIMEOUT_MS },
  async () => {
    const beganMs = performance.now();
    const before = process.cpuUsage();
    const { runs, turns, failure } = await interleave({
      limitMs: SECONDS * 1_000,
      seed: SEED === undefined ? undefined : Number(SEED),
      path: process.env["SIMULATION_PATH"],
    });
    const aSecond = Math.round((runs * 1_000) / (performance.now() - beganMs));
    const used = process.cpuUsage(before);
    const aCpuSecond = Math.round((runs * 1_000_000) / (used.user + used.system));
    const turnsEach = Math.round(turns / Math.max(1, runs));
    process.stdout.write(
      `simulation: ${runs} interleavings of ${turnsEach} turns, ${aSecond} a second, ${aCpuSecond} a second of CPU\n`,
    );
    if (failure !== null) throw new Error(failure);
    expect(runs).toBeGreaterThan(0);
  },
);
