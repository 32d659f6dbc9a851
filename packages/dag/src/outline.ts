// What the graph needs to know of each step, read leniently: a wrong field elsewhere in a step, or even in one of
// these, must not hide what is wrong with the edges.

import { BranchName, DependencyEntry, isJsonObject, STEP_TYPES, type StepType } from "@keelson/contracts";

export interface OutlineEntry {
  /** Index in `dependsOn`. */
  readonly position: number;
  readonly text: string;
  readonly step: string;
  /** Null for a plain `"step"`. */
  readonly branch: string | null;
}

export interface StepOutline {
  readonly index: number;
  /** Null where there is no text. */
  readonly id: string | null;
  /** Null where it is none of ours. */
  readonly type: StepType | null;
  /** The well-formed entries. */
  readonly entries: readonly OutlineEntry[];
  /** True if an entry could not be read. */
  readonly hasUnreadEntries: boolean;
  /** What the step can end with, but for error: `["success"]`, or a condition's branches; null where that is unclear. */
  readonly branches: readonly string[] | null;
  /** As written; null where the default holds. */
  readonly join: "all" | "any" | null;
  readonly continues: boolean;
}

/** Branches beyond which a condition's are not looked at; the schema refuses it anyway. */
const MAX_BRANCHES = 300;
/** Entries beyond which a step's are not looked at; the schema refuses them anyway. */
const MAX_ENTRIES = 400;
const SUCCESS = ["success"] as const;

/** Outlines the steps of a document, in its order. */
export function outlineSteps(steps: unknown): StepOutline[] {
  return Array.isArray(steps) ? steps.map((step: unknown, index) => outlineStep(step, index)) : [];
}

function outlineStep(value: unknown, index: number): StepOutline {
  const step = isJsonObject(value) ? value : {};
  const type = STEP_TYPES.find((known) => known === step.type) ?? null;
  const listed: readonly unknown[] = Array.isArray(step.dependsOn) ? step.dependsOn : [];
  const entries = listed.slice(0, MAX_ENTRIES).flatMap((entry, position) => readEntry(entry, position));
  return {
    index,
    id: typeof step.id === "string" ? step.id : null,
    type,
    entries,
    hasUnreadEntries: entries.length < listed.length,
    branches: branchesOf(type, step.config),
    join: step.join === "all" || step.join === "any" ? step.join : null,
    continues: step.onError === "continue",
  };
}

function readEntry(value: unknown, position: number): OutlineEntry[] {
  if (!DependencyEntry.safeParse(value).success || typeof value !== "string") return [];
  const colon = value.indexOf(":");
  const [step, branch] = colon < 0 ? [value, null] : [value.slice(0, colon), value.slice(colon + 1)];
  return [{ position, text: value, step, branch }];
}

function branchesOf(type: StepType | null, config: unknown): readonly string[] | null {
  if (type === null) return null;
  if (type !== "condition") return SUCCESS;
  if (!isJsonObject(config)) return null;
  const { cases, otherwise } = config;
  const names: unknown[] = config.if === undefined ? [] : ["true", "false"];
  if (Array.isArray(cases)) names.push(...cases.map((item: unknown) => (isJsonObject(item) ? item.branch : null)));
  else if (cases !== undefined) return null;
  if (otherwise !== undefined) names.push(otherwise);
  if (names.length > MAX_BRANCHES) return null;
  const branches = names.filter((name) => typeof name === "string" && BranchName.safeParse(name).success);
  return branches.length === 0 || branches.length < names.length ? null : [...new Set(branches.map(String))];
}
