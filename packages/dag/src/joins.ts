// Joins: whether a step waits for all of its entries or for any, and which `all` can never be fulfilled.
//
// An entry needs its own outcome and what its source needs: an `all` needs what its entries need together, an `any`
// what they have in common. A need is a set of outcomes that a step may end with, so what two entries have in common
// is the union of their sets, and what they need together the intersection. Two entries exclude one another if they
// need different outcomes of one step: sets without a common member. Nothing deeper is searched for, so that the work
// stays polynomial: steps × entries × steps, and pairs of entries only where all of them exclude one another.

export interface JoinEntry {
  /** Index of the step that is waited for. */
  readonly from: number;
  /** `success`, `error` or a condition's branch; null for whichever branch a condition took. */
  readonly branch: string | null;
}

export interface JoinNode {
  readonly entries: readonly JoinEntry[];
  /** As written; null where the default holds. */
  readonly join: "all" | "any" | null;
  /** What the step may end with, but for error. */
  readonly branches: readonly string[];
}

export interface JoinVerdict {
  readonly join: "all" | "any";
  /** Indexes of two entries of an `all` that exclude one another: the step never runs. */
  readonly conflict: readonly [number, number] | null;
}

type Outcomes = ReadonlySet<string>;
/** What must hold of the steps above for an entry to be taken: by step, the outcomes it may have ended with. */
type Needs = ReadonlyMap<number, Outcomes>;

/**
 * Resolves the join of every step. `sorted` names each step after those it depends on; steps left out of it (in or
 * below a cycle) get a verdict without a conflict. `onWork` is called once per unit of work, for tests to count.
 */
export function resolveJoins(
  nodes: readonly JoinNode[],
  sorted: readonly number[],
  onWork: () => void = () => {},
): JoinVerdict[] {
  const contested = contestedSteps(nodes);
  const verdicts = nodes.map((node): JoinVerdict => ({ join: node.join ?? "all", conflict: null }));
  const needsOf: Needs[] = nodes.map(() => new Map());
  for (const step of sorted) {
    const node = nodes[step];
    if (node === undefined) continue;
    const needs = node.entries.map((entry) => entryNeeds(entry, needsOf[entry.from], contested, onWork));
    const clashes = findClashes(needs, onWork);
    const join = node.join ?? defaultJoin(node, needs, clashes, onWork);
    verdicts[step] = { join, conflict: join === "all" ? (clashes[0]?.entries ?? null) : null };
    needsOf[step] = join === "all" ? together(needs, onWork) : inCommon(needs, onWork);
  }
  return verdicts;
}

/** `any` if all entries exclude one another or all are error edges, else `all`. */
function defaultJoin(node: JoinNode, needs: readonly Needs[], clashes: readonly Clash[], onWork: () => void) {
  if (node.entries.length > 0 && node.entries.every((entry) => entry.branch === "error")) return "any";
  return node.entries.length > 1 && allExclude(needs, clashes, onWork) ? "any" : "all";
}

/** By step and branch, the outcomes that an edge stands for; only of steps whose edges differ, since no others can clash. */
function contestedSteps(nodes: readonly JoinNode[]): ReadonlyMap<number, ReadonlyMap<string | null, Outcomes>> {
  const contested = new Map<number, Map<string | null, Outcomes>>();
  for (const { entries } of nodes) {
    for (const { from, branch } of entries) {
      const outcomes = contested.get(from) ?? new Map<string | null, Outcomes>();
      if (!outcomes.has(branch)) outcomes.set(branch, new Set(branch === null ? nodes[from]?.branches : [branch]));
      contested.set(from, outcomes);
    }
  }
  for (const [step, outcomes] of contested) if (outcomes.size < 2) contested.delete(step);
  return contested;
}

function entryNeeds(
  entry: JoinEntry,
  ofSource: Needs | undefined,
  contested: ReadonlyMap<number, ReadonlyMap<string | null, Outcomes>>,
  onWork: () => void,
): Needs {
  onWork();
  const own = contested.get(entry.from)?.get(entry.branch);
  const needs: Needs = ofSource ?? new Map();
  return own === undefined ? needs : new Map(needs).set(entry.from, own);
}

/** A step of which two entries need different outcomes. */
interface Clash {
  readonly step: number;
  readonly entries: readonly [number, number];
}

/** The steps over which entries exclude one another, with the first two entries that do. */
function findClashes(needs: readonly Needs[], onWork: () => void): Clash[] {
  const seen = new Map<number, Map<Outcomes, number>>();
  needs.forEach((entry, index) => {
    for (const [step, outcomes] of entry) {
      onWork();
      const firsts = seen.get(step) ?? new Map<Outcomes, number>();
      if (!firsts.has(outcomes)) firsts.set(outcomes, index);
      seen.set(step, firsts);
    }
  });
  return [...seen].flatMap(([step, firsts]) => {
    const pair = firstDisjoint([...firsts], onWork);
    return pair === null ? [] : [{ step, entries: pair }];
  });
}

function firstDisjoint(
  firsts: readonly (readonly [Outcomes, number])[],
  onWork: () => void,
): readonly [number, number] | null {
  for (const [later, [outcomes, index]] of firsts.entries()) {
    for (const [others, other] of firsts.slice(0, later)) {
      onWork();
      if (outcomes.isDisjointFrom(others)) return [other, index];
    }
  }
  return null;
}

function allExclude(needs: readonly Needs[], clashes: readonly Clash[], onWork: () => void): boolean {
  if (clashes.some(({ step }) => partUpon(step, needs, onWork))) return true;
  return (
    clashes.length > 1 &&
    needs.every((entry, index) => needs.slice(0, index).every((other) => exclude(entry, other, clashes, onWork)))
  );
}

/** Whether all entries exclude one another over this one step, as at a plain merge: no outcome is needed twice. */
function partUpon(step: number, needs: readonly Needs[], onWork: () => void): boolean {
  const seen = new Set<string>();
  return needs.every((entry) => {
    const outcomes = entry.get(step);
    if (outcomes === undefined) return false;
    return [...outcomes].every((outcome) => {
      onWork();
      return seen.size < seen.add(outcome).size;
    });
  });
}

function exclude(one: Needs, other: Needs, clashes: readonly Clash[], onWork: () => void): boolean {
  return clashes.some(({ step }) => {
    onWork();
    const [mine, theirs] = [one.get(step), other.get(step)];
    return mine !== undefined && theirs !== undefined && mine !== theirs && mine.isDisjointFrom(theirs);
  });
}

/** What all entries need together; a step of which they need different outcomes is left out, since that is reported once. */
function together(needs: readonly Needs[], onWork: () => void): Needs {
  const [first, ...others] = needs;
  if (first === undefined || others.length === 0) return first ?? new Map();
  const result = new Map(first);
  for (const [step, outcomes] of others.flatMap((entry) => [...entry])) {
    onWork();
    const before = result.get(step) ?? outcomes;
    result.set(step, before === outcomes ? before : before.intersection(outcomes));
  }
  for (const [step, outcomes] of result) if (outcomes.size === 0) result.delete(step);
  return result;
}

/** What any entry needs in common with all others. */
function inCommon(needs: readonly Needs[], onWork: () => void): Needs {
  const [first, ...others] = needs;
  const result = new Map(first);
  for (const entry of others) {
    for (const [step, outcomes] of result) {
      onWork();
      const theirs = entry.get(step);
      if (theirs === undefined) result.delete(step);
      else if (theirs !== outcomes) result.set(step, outcomes.union(theirs));
    }
  }
  return result;
}
