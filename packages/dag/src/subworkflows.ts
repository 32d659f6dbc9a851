// Nesting: the workflows a definition starts, and those that they start. The rest of what is checked at save needs the
// document alone; this needs the tenant's other workflows, so it asks for them.

import { LIMITS, suggestion, type WorkflowDefinition } from "@keelson/contracts";
import { type DefinitionProblem, problem } from "./problem.ts";

export type WorkflowLookup = (name: string) => Promise<WorkflowDefinition | undefined>;

/** Workflows looked up below those a document names; a child that starts is checked again, so beyond this nothing is lost. */
const MAX_LOOKUPS = 500;

/**
 * Checks the workflows that a definition names: `UNKNOWN_WORKFLOW` for steps and `onFailure`, `NESTING_EXCEEDED` for a
 * step below which lie more than three levels, or the workflow itself. `lookup` yields the latest version of an active
 * or paused workflow; it is asked for each name once, and never for the definition's own.
 */
export async function checkSubworkflows(
  definition: WorkflowDefinition,
  lookup: WorkflowLookup,
): Promise<DefinitionProblem[]> {
  const known = new Map<string, Promise<WorkflowDefinition | undefined>>([
    [definition.name, Promise.resolve(definition)],
  ]);
  const find = (name: string) => {
    const found = known.get(name) ?? lookup(name);
    known.set(name, found);
    return found;
  };
  const findBelow = (name: string) =>
    known.has(name) || known.size <= MAX_LOOKUPS ? find(name) : Promise.resolve(undefined);
  const problems: DefinitionProblem[] = [];
  const tooDeep = new Map<string, Promise<readonly string[] | null>>();
  for (const [index, step] of definition.steps.entries()) {
    if (step.type !== "subworkflow") continue;
    const { workflow } = step.config;
    const path = ["steps", index, "config", "workflow"];
    if ((await find(workflow)) === undefined) {
      problems.push(problem("UNKNOWN_WORKFLOW", path, `Step "${step.id}" ${unknown(workflow, definition)}`));
      continue;
    }
    const search = tooDeep.get(workflow) ?? chainBeyondLimit(definition.name, workflow, findBelow);
    tooDeep.set(workflow, search);
    const chain = await search;
    if (chain !== null)
      problems.push(problem("NESTING_EXCEEDED", path, nestingMessage(step.id, chain, definition.name)));
  }
  const { onFailure } = definition;
  if (onFailure !== undefined && (await find(onFailure)) === undefined) {
    problems.push(problem("UNKNOWN_WORKFLOW", ["onFailure"], `onFailure ${unknown(onFailure, definition)}`));
  }
  return problems;
}

function unknown(name: string, definition: WorkflowDefinition): string {
  return `names the workflow "${name}", which does not exist.${suggestion(name, [definition.name])} Save that workflow first.`;
}

/** A chain of names from the root that is too deep or leads back to the root; null if there is none. */
async function chainBeyondLimit(root: string, child: string, find: WorkflowLookup): Promise<readonly string[] | null> {
  const reached = new Set<string>();
  let level: (readonly string[])[] = [[root, child]];
  while (level.length > 0) {
    const next: (readonly string[])[] = [];
    for (const chain of level) {
      const name = chain.at(-1) ?? root;
      if (name === root || chain.length - 1 > LIMITS.nestingLevels) return chain;
      const workflow = await find(name);
      for (const below of childrenOf(workflow)) {
        const key = `${chain.length} ${below}`;
        if (reached.has(key)) continue;
        reached.add(key);
        next.push([...chain, below]);
      }
    }
    level = next;
  }
  return null;
}

function childrenOf(workflow: WorkflowDefinition | undefined): string[] {
  const names = (workflow?.steps ?? []).flatMap((step) => (step.type === "subworkflow" ? [step.config.workflow] : []));
  return [...new Set(names)];
}

function nestingMessage(step: string, chain: readonly string[], root: string): string {
  const shown = chain.join(" → ");
  return chain.at(-1) === root
    ? `Step "${step}" leads back to this workflow: ${shown}. A workflow cannot reach itself.`
    : `Step "${step}" nests ${chain.length - 1} levels of sub-workflows: ${shown}. At most ${LIMITS.nestingLevels} levels are allowed below a workflow.`;
}
