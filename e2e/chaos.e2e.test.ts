// The fault campaign in short; `npm run chaos` is the long one. A failure prints its seed and how to play it again.
import { expect, it } from "vitest";
import { isSound, runCampaign } from "./chaos/campaign.ts";
import { FAULT_KINDS } from "./chaos/faults.ts";
import { reportOf } from "./chaos/report.ts";

const SEED = 20_261;
/** Each kind strikes once. */
const FAULTS = FAULT_KINDS.length;
const EXECUTIONS = 80;
const SECONDS = 30;
/** For a machine that is busy. */
const TIMEOUT_MS = 420_000;

it(
  "random workflows end as the model says whatever strikes: nothing is lost, doubled or stuck",
  async () => {
    const result = await runCampaign({
      seed: SEED,
      executions: EXECUTIONS,
      faults: FAULTS,
      seconds: SECONDS,
      log: () => undefined,
    });
    const report = reportOf(result);
    process.stderr.write(`${report}\n`);
    if (!isSound(result)) throw new Error(report);
    // It has looked at something.
    expect(result.starts).toHaveLength(EXECUTIONS);
    expect(new Set(result.faults.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    expect(result.effects.requests).toBeGreaterThan(EXECUTIONS);
  },
  TIMEOUT_MS,
);
