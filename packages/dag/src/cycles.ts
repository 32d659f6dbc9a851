// Cycles: which steps wait for one another in a ring. Linear in steps and edges, without recursion.

import { type EdgeNode, nameOf } from "./edges.ts";
import { type DefinitionProblem, problem } from "./problem.ts";

/** One problem for each group of steps that lie in a common cycle, naming a shortest one. */
export function checkCycles(nodes: readonly EdgeNode[], sources: readonly (readonly number[])[]): DefinitionProblem[] {
  return cyclicGroups(sources).map((group) => {
    const first = group[0] ?? 0;
    const cycle = shortestCycle(first, new Set(group), sources);
    const names = cycle.map((step) => nodes[step]?.outline.id ?? `number ${step + 1}`);
    const shown = names.length > 20 ? [...names.slice(0, 10), "…", ...names.slice(-9)] : names;
    const node = nodes[first];
    const name = node === undefined ? "A step" : nameOf(node.outline);
    const message = `${name} depends on itself through other steps: ${shown.join(" → ")}, each waiting for the next. Remove one of these dependencies.`;
    return problem("CYCLE", ["steps", first, "dependsOn"], message);
  });
}

/** Steps of a cycle, each depending on the next, from and back to `start`. */
function shortestCycle(start: number, group: ReadonlySet<number>, sources: readonly (readonly number[])[]): number[] {
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (let next = 0; next < queue.length; next += 1) {
    const step = queue[next] ?? start;
    for (const source of sources[step] ?? []) {
      if (source === start) return walkBack(step, start, cameFrom);
      if (!group.has(source) || cameFrom.has(source)) continue;
      cameFrom.set(source, step);
      queue.push(source);
    }
  }
  return [start];
}

function walkBack(last: number, start: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const path = [start];
  for (let step: number | undefined = last; step !== undefined && step !== start; step = cameFrom.get(step))
    path.push(step);
  path.push(start);
  return path.reverse();
}

/** Strongly connected components of more than one step (Tarjan's algorithm on a stack of its own). */
function cyclicGroups(sources: readonly (readonly number[])[]): number[][] {
  const groups: number[][] = [];
  const found = sources.map(() => -1);
  const low = sources.map(() => 0);
  const open: number[] = [];
  const isOpen = sources.map(() => false);
  let count = 0;
  const enter = (step: number) => {
    found[step] = low[step] = count;
    count += 1;
    open.push(step);
    isOpen[step] = true;
    return { step, next: 0 };
  };
  const lower = (step: number, to: number | undefined) => {
    low[step] = Math.min(low[step] ?? 0, to ?? 0);
  };
  for (let root = 0; root < sources.length; root += 1) {
    if (found[root] !== -1) continue;
    const calls = [enter(root)];
    for (let call = calls.at(-1); call !== undefined; call = calls.at(-1)) {
      const source = sources[call.step]?.[call.next];
      call.next += 1;
      if (source !== undefined) {
        if (found[source] === -1) calls.push(enter(source));
        else if (isOpen[source]) lower(call.step, found[source]);
        continue;
      }
      calls.pop();
      const caller = calls.at(-1);
      if (caller !== undefined) lower(caller.step, low[call.step]);
      if (low[call.step] !== found[call.step]) continue;
      const group = open.splice(open.lastIndexOf(call.step));
      for (const step of group) isOpen[step] = false;
      if (group.length > 1) groups.push(group.sort((a, b) => a - b));
    }
  }
  return groups.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}
