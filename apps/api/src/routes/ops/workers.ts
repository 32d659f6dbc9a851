import { WorkerList, type WorkerReport } from "@keelson/contracts";
import { type WorkerRow, workersRead } from "@keelson/db";
import { operatorRoute } from "../../http/route.ts";
import { MAX_WORKERS, stateOf } from "../../ops/facts.ts";

export const listWorkers = operatorRoute({
  method: "get",
  path: "/v1/ops/workers",
  answers: { 200: WorkerList },
  doc: {
    operationId: "listWorkers",
    tag: "Operations",
    summary: "List the workers by their heartbeats",
    description:
      "The living first, then those that died in the last day. A worker is not asked: it says twice a second.",
    refusals: [],
  },
  async handle({ deps }) {
    const workers = await workersRead(deps.db, MAX_WORKERS);
    return { status: 200, body: { items: workers.map(presentWorker) } };
  },
});

function presentWorker(worker: WorkerRow): WorkerReport {
  const { host, pid, slots, executions, waiting, rssBytes, loopLagP99Ms, commits, ...counted } = worker.heartbeat;
  return {
    id: worker.id,
    name: worker.name,
    state: stateOf(worker),
    host: host ?? null,
    pid: pid ?? null,
    startedAt: worker.startedAt.toISOString(),
    lastSeenAt: worker.renewedAt.toISOString(),
    leases: worker.leases,
    slots: slots ?? null,
    slotsUsed: executions ?? null,
    offersWaiting: waiting ?? null,
    rssBytes: rssBytes ?? null,
    eventLoopLagMs: loopLagP99Ms ?? null,
    counts:
      commits === undefined
        ? null
        : {
            commits,
            attempts: counted.attempts ?? 0,
            attemptsFailed: counted.attemptsFailed ?? 0,
            executionsEnded: counted.ended ?? 0,
          },
  };
}
