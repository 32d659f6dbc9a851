// What an expression names, gathered while it is compiled.
import type { ExpressionErrorCode, ExpressionProblem, SyntaxFault } from "./errors.ts";
import { rootHint } from "./foreign-names.ts";

/** One naming of a root, a step or a secret. */
export interface Place {
  readonly root: string;
  /** Of `steps.<id>` and `secrets.<NAME>` the id or name, else null. */
  readonly name: string | null;
  readonly path: string;
  readonly position: number;
}

export interface References {
  readonly roots: ReadonlySet<string>;
  /** Ids in `steps.<id>` and `steps["id"]`. */
  readonly steps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  /** Where each was named, for messages. */
  readonly places: readonly Place[];
}

/** What may be named where nothing else is said. */
export const DEFAULT_ROOTS = ["input", "trigger", "steps", "execution", "secrets"] as const;
export type Root = (typeof DEFAULT_ROOTS)[number] | "response";
const KNOWN_ROOTS: readonly Root[] = [...DEFAULT_ROOTS, "response"];

/** Gathers references and problems of one string; offsets are moved to that string's. */
export class Findings {
  readonly places: Place[] = [];
  readonly problems: ExpressionProblem[] = [];
  readonly #allowed: ReadonlySet<string>;
  readonly #path: string;
  readonly #offset: number;

  constructor(allowed: readonly string[], path: string, offset: number) {
    this.#allowed = new Set(allowed);
    this.#path = path;
    this.#offset = offset;
  }

  problem(code: ExpressionErrorCode, message: string, position: number): void {
    this.problems.push({ code, message, path: this.#path, position: position + this.#offset });
  }

  fault(fault: SyntaxFault): void {
    this.problem(fault.code, fault.message, fault.position);
  }

  place(root: string, name: string | null, position: number): void {
    this.places.push({ root, name, path: this.#path, position: position + this.#offset });
  }

  /** The root that `name` stands for; if none, or one not allowed here, the problem is noted. */
  root(name: string, position: number): Root | undefined {
    const root = KNOWN_ROOTS.find((known) => known === name);
    if (root !== undefined && this.#allowed.has(name)) return root;
    if (name === "secrets") {
      this.problem("SECRET_NOT_ALLOWED", "Secrets can be named in http steps only.", position);
    } else if (name === "response") {
      this.problem("UNKNOWN_REFERENCE", "response can be named in successIf only.", position);
    } else {
      this.problem("UNKNOWN_REFERENCE", this.#unknown(name), position);
    }
    return undefined;
  }

  #unknown(name: string): string {
    return `${name.slice(0, 60)} is not known here: ${rootHint(name, [...this.#allowed])}`;
  }
}

export function referencesOf(places: readonly Place[]): References {
  const named = (root: string) =>
    new Set(places.flatMap((place) => (place.root === root && place.name !== null ? [place.name] : [])));
  return {
    roots: new Set(places.map((place) => place.root)),
    steps: named("steps"),
    secrets: named("secrets"),
    places,
  };
}
