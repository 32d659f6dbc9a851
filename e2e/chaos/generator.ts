// Random workflows: layers that call those below them as sub-workflows, three levels deep at most.
import { parseDefinition } from "@keelson/dag";
import { documentOf } from "./document.ts";
import { type Behaviour, type Plan, type PlannedStep, isRetried } from "./plan.ts";
import type { Random } from "./random.ts";

type Draft = Omit<Plan, "document" | "graph">;

const LEVELS = 4;
const MAX_STEPS = 7;
/** What every `onFailure` names. */
export const ON_FAILURE = "chaos-on-failure";

export interface Plans {
  readonly byName: ReadonlyMap<string, Plan>;
  /** In an order in which each may be saved. */
  readonly all: readonly Plan[];
  /** What executions are started of. */
  readonly roots: readonly Plan[];
}

export function randomPlans(random: Random, count: number, targetUrl: string): Plans {
  const all: Plan[] = [failurePlan(targetUrl)];
  const roots: Plan[] = [];
  let below: Plan[] = [];
  for (let level = 0; level < LEVELS; level += 1) {
    const here: Plan[] = [];
    for (let n = 0; n < Math.ceil(count / LEVELS); n += 1) {
      const plan = randomPlan(random, `chaos-${level}-${n}`, level === 0 ? [] : below, targetUrl);
      all.push(plan);
      roots.push(plan);
      here.push(plan);
    }
    below = here;
  }
  return { all, roots, byName: new Map(all.map((plan) => [plan.name, plan])) };
}

function failurePlan(targetUrl: string): Plan {
  const behaviour: Behaviour = { failures: 1, how: 503, delayMs: 0 };
  const common = { entries: [], join: null, continues: false, sources: [], strict: false, add: 0 };
  const tell: PlannedStep = { ...common, id: "tell", type: "http", behaviour, maxAttempts: 5 };
  const draft: Draft = { name: ON_FAILURE, steps: [tell], output: null, onFailure: null, hook: false };
  // Its input is { executionId, workflow, error, input }: the value is made of the failed one's.
  const text = JSON.stringify(documentOf(draft, targetUrl)).replaceAll("input.n", "input.input.n");
  return compiled(draft, JSON.parse(text) as object) ?? impossible(draft);
}

function randomPlan(random: Random, name: string, children: readonly Plan[], targetUrl: string): Plan {
  const drafts = Array.from({ length: random.int(1, MAX_STEPS) }, () => ({
    type: random.pick(typesOf(children)),
    branches: random.pick([2, 3] as const),
  }));
  const entries = drafts.map((_, index) => randomEntries(random, drafts, index));
  const handled = new Set(entries.flat().flatMap((entry) => (entry.endsWith(":error") ? [entry.split(":")[0]] : [])));
  const steps = drafts.map(({ type, branches }, index): PlannedStep => {
    const id = `s${index}`;
    const own = entries[index] ?? [];
    const common = {
      id,
      entries: own,
      join: own.length > 1 ? random.pick([null, null, "any", "all"] as const) : null,
      continues: type !== "condition" && !handled.has(id) && random.chance(0.25),
      sources: [...new Set(own.map((entry) => entry.split(":")[0] ?? ""))],
      strict: random.chance(0.12),
      add: random.int(0, 99),
    };
    switch (type) {
      case "http":
        return { ...common, type, ...randomBehaviour(random) };
      case "condition":
        return { ...common, type, branches, otherwise: random.chance(0.7) };
      case "delay":
        return { ...common, type, strict: false, ms: random.pick([1, 50, 300, 1_000, 2_500]) };
      case "subworkflow": {
        const child = random.pick(children);
        const of = { child: child.name, childHasValue: child.output !== null };
        return { ...common, type, ...of, wait: random.chance(0.8), maxAttempts: random.int(1, 2) };
      }
      default:
        return { ...common, type };
    }
  });
  const output = random.chance(0.6) ? { sources: steps.map(({ id }) => id), strict: random.chance(0.08) } : null;
  const onFailure = random.chance(0.5) ? ON_FAILURE : null;
  const draft: Draft = { name, steps, output, onFailure, hook: random.chance(0.5) };
  const loosened: Draft = {
    ...draft,
    // An `all` that could never run: whoever waits for several waits for any of them.
    steps: steps.map((step) => (step.entries.length > 1 ? { ...step, join: "any" as const } : step)),
  };
  return (
    compiled(draft, documentOf(draft, targetUrl)) ??
    compiled(loosened, documentOf(loosened, targetUrl)) ??
    impossible(draft)
  );
}

function typesOf(children: readonly Plan[]): readonly PlannedStep["type"][] {
  const usual = ["http", "http", "http", "transform", "transform", "condition", "delay"] as const;
  return children.length === 0 ? usual : [...usual, "subworkflow", "subworkflow"];
}

function randomEntries(
  random: Random,
  drafts: readonly { readonly type: PlannedStep["type"]; readonly branches: 2 | 3 }[],
  index: number,
): string[] {
  if (index === 0) return [];
  const entries = Array.from({ length: random.pick([0, 1, 1, 1, 1, 2, 2, 3]) }, () => {
    const from = random.int(Math.max(0, index - 4), index - 1);
    const source = drafts[from];
    const own = source?.branches === 3 ? [":a", ":b", ":c"] : [":true", ":false"];
    const outcomes = source?.type === "condition" ? [...own, ...own, "", ":error"] : ["", "", "", "", ":error"];
    return `s${from}${random.pick(outcomes)}`;
  });
  return [...new Set(entries)];
}

function randomBehaviour(random: Random): { behaviour: Behaviour; maxAttempts: number } {
  const delayMs = random.pick([0, 0, 5, 20, 20, 100, 400, 1_500]);
  const draw = random.next();
  if (draw < 0.6) return { behaviour: { failures: 0, how: 200, delayMs }, maxAttempts: 3 };
  if (draw < 0.85) {
    const failures = random.int(1, 3);
    const how = random.pick([500, 503, 429, "refuse", "reset"] as const);
    return { behaviour: { failures, how, delayMs }, maxAttempts: failures + random.int(1, 3) };
  }
  const how = random.pick([400, 404, 422, 503, "refuse"] as const);
  return { behaviour: { failures: "always", how, delayMs }, maxAttempts: isRetried(how) ? random.int(1, 3) : 3 };
}

function compiled(draft: Draft, document: object): Plan | null {
  const parsed = parseDefinition(document);
  if (parsed.ok) return { ...draft, document, graph: parsed.workflow.graph };
  if (parsed.problems.every(({ code }) => code === "NEVER_RUNS")) return null;
  throw new Error(`A random document is wrong: ${JSON.stringify(parsed.problems)}`);
}

function impossible(draft: Draft): never {
  throw new Error(`No joins make ${draft.name} one that can run.`);
}
