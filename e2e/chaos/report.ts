// A campaign's outcome as people read it.
import { isSound, type CampaignResult } from "./campaign.ts";

const SHOWN = 20;

export function reportOf(result: CampaignResult): string {
  const { starts, effects, recovery, faults } = result;
  const repeats = starts.reduce((sum, { requests }) => sum + requests - 1, 0);
  const lines = [
    `seed ${result.seed}`,
    `${starts.length} starts (${repeats} requests repeated), ${result.executions} executions with their children, ${result.steps} step runs checked`,
    `ends: ${Object.entries(result.ends)
      .map(([end, count]) => `${count} ${end}`)
      .join(", ")}`,
    `${effects.requests} requests under ${effects.keys} keys; ${effects.inDoubt} attempts in doubt (${effects.starved} of them because the machine was too slow for a lease), ${effects.extra} extra effects`,
    `${faults.length} faults; all had ended ${(result.healedInMs / 1_000).toFixed(1)} s after the last`,
    "",
    `| fault | injected | executions struck | p50 ms | p99 ms | worst ms | the worst |`,
    `|---|---|---|---|---|---|---|`,
    ...recovery.map(
      (of) =>
        `| ${of.kind} | ${of.faults} | ${of.executions} | ${of.p50Ms ?? "–"} | ${of.p99Ms ?? "–"} | ${of.worstMs ?? "–"} | ${of.worst} |`,
    ),
    "",
    ...(result.logs === null ? [] : [`the services' logs: ${result.logs}`]),
    isSound(result) ? "nothing lost, doubled, stuck or different from the model" : failureOf(result),
  ];
  return lines.join("\n");
}

function failureOf(result: CampaignResult): string {
  const { stuck, differences, violations, strange, seed, seconds, starts, faults } = result;
  const shown = <T>(what: string, all: readonly T[], text: (one: T) => string): string[] =>
    all.length === 0 ? [] : [`${what}: ${all.length}`, ...all.slice(0, SHOWN).map((one) => `  ${text(one)}`)];
  return [
    `FAILED with seed ${seed}`,
    ...shown("have not ended", stuck, (id) => id),
    ...shown(
      "differ",
      differences,
      ({ executionId, what, expected, found }) =>
        `${executionId} ${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`,
    ),
    ...shown("invariants broken", violations, ({ invariant, text }) => `${invariant} ${text}`),
    ...shown("strange answers", strange, (text) => text),
    `again: npm run chaos -- --seed ${seed} --executions ${starts.length} --faults ${faults.length} --seconds ${seconds}`,
  ].join("\n");
}
