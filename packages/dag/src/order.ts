// Order: levels by longest path. Linear in steps and edges, without recursion.

import { list } from "@keelson/contracts";
import type { EdgeNode } from "./edges.ts";
import { type DefinitionProblem, problem } from "./problem.ts";

export interface GraphOrder {
  /** Steps that lie in no cycle and below none, each after all it depends on; ties in document order. */
  readonly sorted: readonly number[];
  /** Level of each step, counted from 0: the longest path to it; -1 where a cycle is in the way. */
  readonly levels: readonly number[];
}

/** Sorts steps by level. `sources[i]` are the steps that step i depends on. */
export function orderSteps(sources: readonly (readonly number[])[]): GraphOrder {
  const followers = followersOf(sources);
  const waiting = sources.map((from) => from.length);
  const levels = sources.map(() => -1);
  const reached: number[] = [];
  waiting.forEach((count, step) => {
    if (count === 0) reached.push(step);
  });
  for (const step of reached) levels[step] = 0;
  for (let next = 0; next < reached.length; next += 1) {
    const step = reached[next] ?? 0;
    for (const follower of followers[step] ?? []) {
      levels[follower] = Math.max(levels[follower] ?? 0, (levels[step] ?? 0) + 1);
      waiting[follower] = (waiting[follower] ?? 0) - 1;
      if (waiting[follower] === 0) reached.push(follower);
    }
  }
  const inOrder = (levels: readonly number[], step: number) => levels[step] ?? 0;
  for (const [step, count] of waiting.entries()) if (count > 0) levels[step] = -1;
  return { sorted: reached.sort((a, b) => inOrder(levels, a) - inOrder(levels, b) || a - b), levels };
}

/** The steps that depend on each step, in document order. */
export function followersOf(sources: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const followers: number[][] = sources.map(() => []);
  sources.forEach((from, step) => {
    for (const source of from) followers[source]?.push(step);
  });
  return followers;
}

/** The longest path, when it has more than `most` steps. */
export function checkDepth(
  nodes: readonly EdgeNode[],
  sources: readonly (readonly number[])[],
  order: GraphOrder,
  most: number,
): DefinitionProblem[] {
  const deepest = order.sorted.at(-1);
  if (deepest === undefined) return [];
  const depth = (order.levels[deepest] ?? 0) + 1;
  if (depth <= most) return [];
  const path = [deepest];
  for (let level = depth - 2; level >= 0; level -= 1) {
    const below = path.at(-1) ?? deepest;
    path.push((sources[below] ?? []).find((source) => order.levels[source] === level) ?? below);
  }
  const names = path.reverse().map((step) => nodes[step]?.outline.id ?? `number ${step + 1}`);
  const message = `The longest path has ${depth} steps, more than ${most}: it leads through ${list(names)}. Run steps side by side, or move some into a sub-workflow.`;
  return [problem("DEPTH_EXCEEDED", ["steps", deepest], message)];
}
