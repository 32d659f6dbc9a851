import { Overview } from "@keelson/contracts";
import { COUNT_CAP } from "@keelson/db";
import packageJson from "../../../package.json" with { type: "json" };
import type { ApiDeps } from "../../deps.ts";
import { operatorRoute } from "../../http/route.ts";
import { assessCapacity, fleetOf } from "../../ops/assess-capacity.ts";
import { type EngineFacts, readFacts, stateOf } from "../../ops/facts.ts";
import { latenciesOver, ratesOver, round } from "../../ops/rates.ts";
import { DEFAULT_MAX_AGE_SECONDS } from "./capacity.ts";

const LATENCY_SECONDS = 300;

export const getOverview = operatorRoute({
  method: "get",
  path: "/v1/ops/overview",
  answers: { 200: Overview },
  doc: {
    operationId: "getOverview",
    tag: "Operations",
    summary: "Show how the engine is doing",
    description:
      "Rates, latencies, backlog, workers, what binds, PostgreSQL and Redis. Read from roll-ups, heartbeats and what has not ended: as quick with a long history as without.",
    refusals: [],
  },
  async handle({ deps }) {
    const [facts, redis] = await Promise.all([readFacts(deps.db), deps.redisLatencyMs()]);
    return { status: 200, body: presentOverview(facts, redis, deps.db.pool) };
  },
});

function presentOverview(facts: EngineFacts, redisMs: number | null, pool: ApiDeps["db"]["pool"]): Overview {
  const { backlog, minutes, workers, capacity, latencyMs } = facts;
  const { nowAt, oldestReadySeconds, ...counts } = backlog;
  const draining = workers.filter((worker) => stateOf(worker) === "draining").length;
  return {
    time: nowAt.toISOString(),
    version: packageJson.version,
    rates: {
      last1m: ratesOver(minutes, nowAt, 60),
      last5m: ratesOver(minutes, nowAt, 300),
      last15m: ratesOver(minutes, nowAt, 900),
    },
    latencies: latenciesOver(minutes, nowAt, LATENCY_SECONDS),
    backlog: {
      ...counts,
      waiting: Math.max(0, counts.unfinished - counts.queued - counts.held - counts.running),
      oldestReadyAgeSeconds: oldestReadySeconds === null ? null : round(oldestReadySeconds),
      exact: counts.unfinished < COUNT_CAP && counts.ready < COUNT_CAP,
    },
    workers: { ...fleetOf(capacity.workers), draining },
    binds: assessCapacity(capacity, { maxAgeSeconds: DEFAULT_MAX_AGE_SECONDS }).binds,
    postgres: {
      state: "up",
      latencyMs: round(latencyMs),
      connections: { open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
    },
    redis: { state: redisMs === null ? "down" : "up", latencyMs: redisMs === null ? null : round(redisMs) },
  };
}
