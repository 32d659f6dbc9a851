// What values are to one another: text, equality, order.
import type { Json } from "@keelson/contracts";
import { EvaluationError, Failure } from "./errors.ts";
import { describeKind, isArray } from "./kinds.ts";
import { jsonBytes } from "./sizes.ts";

/**
 * A value as it is joined into text: null as nothing, arrays and objects as JSON.
 * @throws EvaluationError TOO_LARGE where the value is nested too deep to be JSON
 */
export function toText(value: Json): string {
  try {
    return textOf(value, Number.POSITIVE_INFINITY);
  } catch (error) {
    throw error instanceof Failure ? new EvaluationError(error.code, error.message, "") : error;
  }
}

/** `toText` for values whose JSON may take `limit` bytes. @throws Failure */
export function textOf(value: Json, limit: number): string {
  if (typeof value === "string") return value;
  if (value === null) return "";
  if (typeof value !== "object") return String(value);
  jsonBytes(value, limit);
  return JSON.stringify(value);
}

/** Counts the work of a comparison; throws when there is too much of it. */
export type Spend = (steps: number) => void;

/** Equality by value, arrays and objects part by part; the order of keys has no meaning. */
export function isEqual(a: Json, b: Json, spend: Spend, depth = 0): boolean {
  if (typeof a === "string" && typeof b === "string" && a.length === b.length) spendTexts(a, b, spend);
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (depth > MAX_COMPARED_DEPTH) throw new Failure("The values are nested too deep to be compared.", "TOO_LARGE");
  spend(1);
  if (isArray(a) || isArray(b)) {
    if (!isArray(a) || !isArray(b) || a.length !== b.length) return false;
    spend(a.length);
    return a.every((item, index) => isEqual(item, b[index] ?? null, spend, depth + 1));
  }
  const keys = Object.keys(a);
  const otherKeys = Object.keys(b);
  spend(keys.length + otherKeys.length);
  if (keys.length !== otherKeys.length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key] ?? null, b[key] ?? null, spend, depth + 1));
}

const MAX_COMPARED_DEPTH = 128;

/**
 * Order for sorting: numbers as numbers, strings by UTF-16 unit, false before true, null behind everything.
 * @throws Failure for two values that have no order
 */
export function compareValues(a: Json, b: Json, spend: Spend): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (typeof a === "string" && typeof b === "string") {
    spendTexts(a, b, spend);
    return a < b ? -1 : Number(a > b);
  }
  throw new Failure(`There is no order between ${describeKind(a)} and ${describeKind(b)}: use sortBy with a key.`);
}

/** Pays for looking at both strings to the end of the shorter one. */
function spendTexts(a: string, b: string, spend: Spend): void {
  spend(1 + Math.floor(Math.min(a.length, b.length) / 64));
}
