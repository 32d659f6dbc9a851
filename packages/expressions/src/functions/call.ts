// One call of a function of the list: its arguments, read with their kind. Reading is checking: a wrong kind is a
// Failure that names the function and the argument.
import { isJsonObject, type Json } from "@keelson/contracts";
import { Failure } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { describeKind, get, isArray } from "../kinds.ts";
import { parseTime } from "../time.ts";

/** An arrow with its names bound at each call. */
export type Callback = (first: Json, second: Json, third?: Json) => Json;
export type Argument = Json | Callback;

const ORDINALS = ["first", "second", "third", "fourth"];

export class Call {
  readonly name: string;
  readonly frame: Frame;
  readonly #args: readonly Argument[];

  constructor(name: string, args: readonly Argument[], frame: Frame) {
    this.name = name;
    this.#args = args;
    this.frame = frame;
  }

  has(index: number): boolean {
    return index < this.#args.length;
  }

  /** Any JSON value; null where it is left out. */
  value(index: number): Json {
    const argument = this.#args[index];
    return argument === undefined || typeof argument === "function" ? null : argument;
  }

  /** All arguments from `index` on. */
  rest(index: number): Json[] {
    return this.#args.slice(index).map((_, offset) => this.value(index + offset));
  }

  string(index: number, otherwise?: string): string {
    if (otherwise !== undefined && !this.has(index)) return otherwise;
    const value = this.value(index);
    return typeof value === "string" ? value : this.#wrong(index, "a string");
  }

  /** A string, number or boolean, as text. */
  scalar(index: number): string {
    const value = this.value(index);
    if (value === null || typeof value === "object") return this.#wrong(index, "a string, number or boolean");
    return String(value);
  }

  number(index: number, otherwise?: number): number {
    if (otherwise !== undefined && !this.has(index)) return otherwise;
    const value = this.value(index);
    return typeof value === "number" ? value : this.#wrong(index, "a number");
  }

  integer(index: number, otherwise?: number): number {
    const value = this.number(index, otherwise);
    return Number.isSafeInteger(value) ? value : this.#wrong(index, "a whole number");
  }

  array(index: number): readonly Json[] {
    const value = this.value(index);
    return isArray(value) ? value : this.#wrong(index, "an array");
  }

  object(index: number): { readonly [key: string]: Json } {
    const value = this.value(index);
    return isJsonObject(value) ? value : this.#wrong(index, "an object");
  }

  /** RFC 3339 text or epoch milliseconds, as the latter. */
  time(index: number): number {
    const value = this.value(index);
    const ms = typeof value === "string" ? parseTime(value) : value;
    return typeof ms === "number" ? ms : this.#wrong(index, "an RFC 3339 time with a zone or epoch milliseconds");
  }

  arrow(index: number): Callback {
    const argument = this.#args[index];
    return typeof argument === "function" ? argument : this.#wrong(index, "an arrow such as item => item.id");
  }

  /** An arrow, or a key that is read of each item. */
  selector(index: number): Callback {
    const argument = this.#args[index];
    if (typeof argument === "function") return argument;
    const key = this.string(index);
    return (item) => {
      this.frame.spend(1);
      if (!isJsonObject(item)) return this.fail(`an item is ${describeKind(item)}, so it has no keys`);
      return get(item, key);
    };
  }

  fail(message: string): never {
    throw new Failure(`${this.name}(): ${message}.`);
  }

  #wrong(index: number, wanted: string): never {
    const argument = this.#args[index];
    const got =
      argument === undefined ? "nothing" : typeof argument === "function" ? "an arrow" : this.#describe(argument);
    return this.fail(`its ${ORDINALS[index] ?? "next"} argument has to be ${wanted}, not ${got}`);
  }

  /** The kind, and of a short string the text, unless secrets are about. */
  #describe(value: Json): string {
    if (typeof value !== "string" || this.frame.secretive || value.length > 40) return describeKind(value);
    return `the string ${JSON.stringify(value)}`;
  }
}
