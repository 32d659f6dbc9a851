// Closed loops alone, at an engine of which nothing is known but where it is: nothing is measured but their rate, and each
// webhook is accounted for.
import { eachAccounted } from "./account.ts";
import type { Engine } from "./engine-client.ts";
import { LANES, openRig } from "./rig.ts";
import { connectMeter, countEnds } from "./server-meters.ts";
import { workloads, type WorkloadName } from "./workflows.ts";

export interface FullLoad {
  readonly workload: WorkloadName;
  readonly perSecond: number;
  readonly accepted: number;
  readonly refused: number;
  readonly lost: number;
  readonly doubled: number;
  /** What refusals said. */
  readonly notes: readonly string[];
}

export interface LoadOrder {
  readonly only: readonly WorkloadName[];
  /** Of each loop. */
  readonly seconds: number;
  /** Aborted, it rejects at the next loop. */
  readonly signal: AbortSignal;
  /** Told of each loop as it has ended. */
  readonly onLoop: (loop: FullLoad) => void | Promise<void>;
}

/** One loop after the other. `adminUrl` is of a login that sees every tenant's executions. */
export async function runFullLoad(engine: Engine & { readonly adminUrl: string }, order: LoadOrder): Promise<void> {
  const client = await connectMeter(engine.adminUrl);
  try {
    const rig = await openRig(engine);
    try {
      for (const name of order.only) {
        order.signal.throwIfAborted();
        const account = await eachAccounted(
          { ...rig, meters: { ends: (names) => countEnds(client, names) } },
          workloads[name],
        );
        const { perSecond } = await rig.load.closedLoop({
          hook: rig.hooks[name],
          lanes: LANES,
          seconds: order.seconds,
        });
        const { figures, notes } = await account();
        await order.onLoop({ workload: name, perSecond, ...figures, notes });
      }
    } finally {
      await rig.stop();
    }
  } finally {
    await client.end();
  }
}
