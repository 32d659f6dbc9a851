// Random workflows of every step type, join and edge, with what will become of each of their steps.
import fc from "fast-check";
import { parseDefinition, type CompiledWorkflow, type Graph, type GraphStep } from "@keelson/dag";
import { condition, delay, http, subworkflow, transform, type StepDocument } from "./steps.ts";

/** What will become of a step, however often and in whatever order it is asked. */
export interface Fate {
  /** Whether its templates can be evaluated, its child may start, one of its cases holds. */
  readonly evaluates: boolean;
  /** Which of its branches a condition takes; counted round. */
  readonly branch: number;
  /** Attempts that fail before one succeeds. */
  readonly failures: number;
  /** A failed http attempt must not be tried again. */
  readonly final: boolean;
  /** What fails is left without an answer, so that nobody knows what became of it; a child does not end in time. */
  readonly hangs: boolean;
  /** A manual retry finds the cause mended. */
  readonly mends: boolean;
}

export interface RandomWorkflow {
  readonly workflow: CompiledWorkflow;
  readonly graph: Graph;
  readonly fates: ReadonlyMap<string, Fate>;
}

/** The fate of this run of the step. */
export function fateInIter(fate: Fate, iter: number): Fate {
  return fate.mends && iter > 1 ? { ...fate, evaluates: true, failures: 0 } : fate;
}

/** How the step ends if it runs and nothing interferes. */
export function endOf(node: GraphStep, fate: Fate): { status: "succeeded" | "failed"; branch: string | null } {
  const branch = node.type === "condition" ? branchOf(node, fate) : null;
  return { status: fate.evaluates && !failsInTheEnd(node, fate) ? "succeeded" : "failed", branch };
}

export function branchOf(node: GraphStep, fate: Fate): string {
  const branches = branchesOf(node.definition);
  return branches[fate.branch % branches.length] ?? "";
}

function failsInTheEnd(node: GraphStep, fate: Fate): boolean {
  if (node.type !== "http" && !isWaitingSubworkflow(node)) return false;
  return fate.failures >= node.retry.maxAttempts || (node.type === "http" && fate.final && fate.failures > 0);
}

export function isWaitingSubworkflow(node: GraphStep): boolean {
  return node.definition.type === "subworkflow" && node.definition.config.wait !== false;
}

const EVERY_TYPE = ["http", "http", "transform", "condition", "delay", "subworkflow"] as const;
type Type = (typeof EVERY_TYPE)[number];

const genesOf = (types: readonly Type[]) =>
  fc.record({
    type: fc.constantFrom(...types),
    cases: fc.boolean(),
    entries: fc.array(fc.record({ from: fc.nat(20), edge: fc.nat(7) }), { maxLength: 3, size: "max" }),
    join: fc.constantFrom(undefined, undefined, "any", "all"),
    continues: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    alone: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  });
type Genes = ReturnType<typeof genesOf> extends fc.Arbitrary<infer T> ? T : never;

const fateOf = (hangs: fc.Arbitrary<boolean>): fc.Arbitrary<Fate> =>
  fc.record({
    evaluates: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    branch: fc.nat(2),
    failures: fc.constantFrom(0, 0, 0, 1, 2, 3),
    final: fc.boolean(),
    hangs,
    mends: fc.boolean(),
  });

export interface Drawn {
  readonly maxSteps: number;
  readonly types: readonly Type[];
  readonly hangs: fc.Arbitrary<boolean>;
}

export function randomWorkflowOf({ maxSteps, types, hangs }: Drawn): fc.Arbitrary<RandomWorkflow> {
  return fc
    .array(fc.tuple(genesOf(types), fateOf(hangs)), { minLength: 1, maxLength: maxSteps, size: "max" })
    .map((drawn) => {
      const fates = new Map(drawn.map(([, each], index) => [`s${index}`, each]));
      const workflow = workflowOfDrawn(drawn);
      return { workflow, graph: workflow.graph, fates };
    });
}

export const randomWorkflow = randomWorkflowOf({ maxSteps: 8, types: EVERY_TYPE, hangs: fc.boolean() });

function workflowOfDrawn(drawn: readonly [Genes, Fate][]): CompiledWorkflow {
  const entries = drawn.map((_, index) => entriesOf(drawn, index));
  const handled = new Set(entries.flat().flatMap((entry) => (entry.endsWith(":error") ? [entry.split(":")[0]] : [])));
  const documents = drawn.map(([gene, itsFate], index) =>
    documentOf(`s${index}`, gene, itsFate, entries[index] ?? [], handled.has(`s${index}`)),
  );
  const parsed = parseDefinition({ name: "random", steps: documents });
  if (parsed.ok) return parsed.workflow;
  // An `all` that could never run: whoever waits for several waits for any of them.
  const loosened = documents.map((step, index) =>
    (entries[index] ?? []).length > 1 ? { ...step, join: "any" } : step,
  );
  const again = parseDefinition({ name: "random", steps: loosened });
  if (!again.ok) throw new Error(`A random document is wrong: ${JSON.stringify(again.problems)}`);
  return again.workflow;
}

function entriesOf(drawn: readonly [Genes, Fate][], index: number): string[] {
  const [gene] = drawn[index] ?? [];
  if (gene === undefined || index === 0) return [];
  const entries = gene.entries.map(({ from, edge }) => {
    const source = from % index;
    const [sourceGene] = drawn[source] ?? [];
    const outcomes =
      sourceGene?.type === "condition"
        ? [...conditionBranches(sourceGene).map((branch) => `:${branch}`), "", ":error"]
        : ["", "", "", ":error"];
    return `s${source}${outcomes[edge % outcomes.length] ?? ""}`;
  });
  return [...new Set(entries)];
}

function documentOf(
  id: string,
  gene: Genes,
  itsFate: Fate,
  entries: readonly string[],
  handled: boolean,
): StepDocument {
  const more = {
    ...(gene.join === undefined || entries.length < 2 ? {} : { join: gene.join }),
    ...(gene.continues && !handled && gene.type !== "condition" ? { onError: "continue" } : {}),
    retry: { maxAttempts: gene.maxAttempts, initialDelay: "1s", maxDelay: "3s" },
  };
  switch (gene.type) {
    case "transform":
      return transform(id, entries, more);
    case "condition":
      return condition(id, entries, gene.cases ? conditionBranches(gene) : [], more);
    case "delay":
      return delay(id, entries, more);
    case "subworkflow": {
      // Only what does not end in time needs a time.
      const timeout = itsFate.hangs && !gene.alone ? { timeout: "5s" } : {};
      return subworkflow(id, entries, { ...more, ...timeout, config: { workflow: "child", wait: !gene.alone } });
    }
    default:
      return http(id, entries, more);
  }
}

function conditionBranches(gene: Genes): string[] {
  return gene.cases ? ["a", "b", "c"] : ["true", "false"];
}

function branchesOf(step: GraphStep["definition"]): string[] {
  if (step.type !== "condition") return [];
  return step.config.cases?.map(({ branch }) => branch) ?? ["true", "false"];
}
