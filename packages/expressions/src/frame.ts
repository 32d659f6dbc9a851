// What one evaluation carries along: its scope, its budget and the values of arrows' names.
//  F1. Work is paid for before it is done, sizes before they are allocated; so no clock is needed, and the same
//      expression over the same data always ends the same way.
import type { Json } from "@keelson/contracts";
import { Failure } from "./errors.ts";

/** What an expression may read. Everything in it is JSON, and is never written to. */
export interface Scope {
  readonly input: Json;
  readonly trigger: Json;
  readonly execution: Json;
  /** `{ output, status, error }` of a step; asked for steps that the expression names, and for no others. */
  readonly steps: (id: string) => Json;
  /** A secret's value, undefined where there is none. */
  readonly secrets?: ((name: string) => string | undefined) | undefined;
  /** Only for `successIf`: the answer as `{ status, headers, body }`. */
  readonly response?: Json | undefined;
  /** What `now()` gives, in ms since 1970. */
  readonly nowMs: number;
  /** The nth (from 0) `uuid()` of the string at `place`, a JSON Pointer: stable, so that an attempt repeats it. */
  readonly uuid: (place: string, n: number) => string;
}

/** Bounds of one evaluation. */
export interface Budget {
  /** Steps of work: one for each node visited and element touched, one for each 64 characters. */
  readonly steps: number;
  /** Size of all results together, in bytes of JSON. */
  readonly bytes: number;
}

/** A step takes 20 to 100 ns: the most expensive evaluation ends within some tens of ms. */
export const DEFAULT_BUDGET: Budget = { steps: 250_000, bytes: 1024 * 1024 };
/** Longest text an evaluation makes on its way, in UTF-16 units. */
export const MAX_TEXT_UNITS = 1024 * 1024;
/** Most items of an array that an evaluation makes. */
export const MAX_ITEMS = 100_000;

const UNITS_PER_STEP = 64;

export class Frame {
  readonly scope: Scope;
  /** Whether messages must not show data: the expression reads secrets. */
  readonly secretive: boolean;
  /** Values of arrows' parameters, by slot. */
  readonly locals: Json[] = [];
  /** Values of the secrets that were read. */
  readonly usedSecrets = new Set<string>();
  /** JSON Pointer of the string that is evaluated. */
  readonly #place: string;
  #stepsLeft: number;
  #uuids = 0;
  readonly #zones = new Set<string>();

  constructor(scope: Scope, steps: number, place: string, secretive: boolean) {
    this.scope = scope;
    this.#place = place;
    this.#stepsLeft = steps;
    this.secretive = secretive;
  }

  get stepsLeft(): number {
    return this.#stepsLeft;
  }

  /** Pays for `steps` of work. @throws Failure when the budget is used up */
  readonly spend = (steps: number): void => {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) {
      throw new Failure("The evaluation takes too many steps: do less in one expression, or split it over steps.");
    }
  };

  /** Pays for reading or making `units` characters. */
  spendText(units: number): void {
    this.spend(1 + Math.floor(units / UNITS_PER_STEP));
  }

  /** Pays for a text that is about to be made. @throws Failure TOO_LARGE */
  reserveText(units: number): void {
    if (!(units <= MAX_TEXT_UNITS))
      throw new Failure("The text would be longer than a million characters.", "TOO_LARGE");
    this.spendText(units);
  }

  /** Pays for an array or object that is about to be made. @throws Failure TOO_LARGE */
  reserveItems(count: number): void {
    if (!(count <= MAX_ITEMS)) throw new Failure(`The list would be longer than ${MAX_ITEMS} items.`, "TOO_LARGE");
    this.spend(count);
  }

  /** Pays for a search: long patterns may be compared at every place of the text. */
  spendSearch(textUnits: number, patternUnits: number): void {
    this.spend(1 + Math.floor((textUnits / UNITS_PER_STEP) * (1 + patternUnits / 256)));
  }

  /** Pays for a look into a time zone's rules: of its first use in an evaluation more, for the host has to load them. */
  spendZone(zone: string): void {
    this.spend(this.#zones.has(zone) ? 150 : 2_000);
    this.#zones.add(zone);
  }

  uuid(): string {
    const value = this.scope.uuid(this.#place, this.#uuids);
    this.#uuids += 1;
    return value;
  }

  secret(name: string): string {
    const value = this.scope.secrets?.(name);
    if (value === undefined) {
      throw new Failure(`The secret ${name} does not exist: create it, or correct its name.`, "SECRET_MISSING");
    }
    this.usedSecrets.add(value);
    return value;
  }
}
