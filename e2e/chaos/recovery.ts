// How long each kind of fault kept the executions that it struck from going on.
import type { Engine } from "../support/engine.ts";
import type { InjectedFault } from "./driver.ts";

export interface Recovery {
  readonly kind: string;
  readonly faults: number;
  /** Executions struck that went on afterwards. */
  readonly executions: number;
  /** From the fault to their next progress. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly worstMs: number | null;
  /** Of the worst: the fault's number and the execution. */
  readonly worst: string;
}

interface Progress {
  readonly at: number;
  readonly epoch: number;
}

export async function measureRecovery(
  engine: Engine,
  tenantId: string,
  faults: readonly InjectedFault[],
): Promise<Recovery[]> {
  const rows = await engine.query<{ id: string; at: Date; epoch: number }>(
    `select execution_id as id, at, epoch::int from keelson.event_batches where tenant_id = $1 order by first_seq`,
    [tenantId],
  );
  const progress = new Map<string, Progress[]>();
  for (const { id, at, epoch } of rows) {
    const own = progress.get(id) ?? [];
    own.push({ at: at.getTime(), epoch });
    progress.set(id, own);
  }
  return [...Map.groupBy(faults, ({ kind }) => kind)].map(([kind, injected]) => {
    const tookMs = injected.flatMap((fault) =>
      fault.struck.flatMap(({ id, epoch }) => {
        const goesOn = (each: Progress): boolean => (kind.freesLeases ? each.epoch > epoch : true);
        const next = progress.get(id)?.find((each) => each.at >= fault.at && goesOn(each));
        return next === undefined ? [] : [{ ms: next.at - fault.at, who: `fault ${fault.n + 1}, ${id}` }];
      }),
    );
    tookMs.sort((a, b) => a.ms - b.ms);
    const at = (share: number): number | null =>
      tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))]?.ms ?? null;
    return {
      kind: kind.name,
      faults: injected.length,
      executions: tookMs.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      worstMs: tookMs.at(-1)?.ms ?? null,
      worst: tookMs.at(-1)?.who ?? "–",
    };
  });
}
