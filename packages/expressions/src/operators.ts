// Operators on values. None coerces: what JavaScript would convert is an error that says how to convert it.
import { assertNever, isJsonObject, type Json } from "@keelson/contracts";
import { Failure } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { describeKind, isArray } from "./kinds.ts";
import { arrayIndex } from "./members.ts";
import type { BinaryOperator } from "./tree.ts";
import { isEqual } from "./values.ts";

/** The operators that need both sides; `&&`, `||` and `??` do not. */
export type EagerOperator = Exclude<BinaryOperator, "&&" | "||" | "??">;

export function applyBinary(operator: EagerOperator, a: Json, b: Json, frame: Frame): Json {
  switch (operator) {
    case "+":
      return add(a, b, frame);
    case "==":
      return isEqual(a, b, frame.spend);
    case "!=":
      return !isEqual(a, b, frame.spend);
    case "in":
      return isIn(a, b);
    case "<":
    case ">":
    case "<=":
    case ">=":
      return compare(operator, a, b, frame);
    default:
      return calculate(operator, a, b);
  }
}

export function negate(value: Json): Json {
  if (typeof value !== "number") throw new Failure(`- takes a number, not ${describeKind(value)}: use number(x).`);
  return finite(-value);
}

export function plus(value: Json): Json {
  if (typeof value !== "number") throw new Failure(`+ takes a number, not ${describeKind(value)}: use number(x).`);
  return value;
}

/** The number itself, with 0 for -0, which JSON does not tell apart. @throws Failure if it is not finite */
export function finite(value: number): number {
  if (!Number.isFinite(value)) {
    throw new Failure("The result is not a finite number: it is too large, or a division by zero.");
  }
  return value === 0 ? 0 : value;
}

function add(a: Json, b: Json, frame: Frame): Json {
  if (typeof a === "number" && typeof b === "number") return finite(a + b);
  if (!isScalar(a) || !isScalar(b) || (typeof a !== "string" && typeof b !== "string")) {
    const remedy = "use string(x), number(x), concat(a, b) or merge(a, b)";
    throw new Failure(`+ cannot join ${describeKind(a)} and ${describeKind(b)}: ${remedy}.`);
  }
  const [left, right] = [String(a), String(b)];
  frame.reserveText(left.length + right.length);
  return left + right;
}

function isScalar(value: Json): value is string | number | boolean | null {
  return value === null || typeof value !== "object";
}

function calculate(operator: "-" | "*" | "/" | "%" | "**", a: Json, b: Json): number {
  if (typeof a !== "number" || typeof b !== "number") {
    throw new Failure(`${operator} takes two numbers, not ${describeKind(a)} and ${describeKind(b)}: use number(x).`);
  }
  switch (operator) {
    case "-":
      return finite(a - b);
    case "*":
      return finite(a * b);
    case "/":
      return finite(a / b);
    case "%":
      return finite(a % b);
    case "**":
      return finite(a ** b);
    default:
      return assertNever(operator);
  }
}

function compare(operator: "<" | ">" | "<=" | ">=", a: Json, b: Json, frame: Frame): boolean {
  if (typeof a === "string" && typeof b === "string") {
    frame.spendText(Math.min(a.length, b.length));
    return order(operator, a, b);
  }
  if (typeof a === "number" && typeof b === "number") return order(operator, a, b);
  const message = `${operator} compares two numbers or two strings, not ${describeKind(a)} and ${describeKind(b)}`;
  throw new Failure(`${message}: use number(x) or string(x).`);
}

function order<T extends string | number>(operator: "<" | ">" | "<=" | ">=", a: T, b: T): boolean {
  switch (operator) {
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
    default:
      return assertNever(operator);
  }
}

/** Own properties alone. */
function isIn(key: Json, holder: Json): boolean {
  if (typeof key !== "string" && typeof key !== "number") {
    throw new Failure(`in takes a string or a number before it, not ${describeKind(key)}.`);
  }
  if (isArray(holder)) {
    const index = arrayIndex(key);
    return key === "length" || (index !== undefined && index < holder.length);
  }
  if (isJsonObject(holder)) return Object.hasOwn(holder, String(key));
  throw new Failure(`in takes an object or an array behind it, not ${describeKind(holder)}: use includes(x).`);
}
