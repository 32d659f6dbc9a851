// The first door: an unknown document becomes plain JSON of bounded size and depth, or is refused. What comes after
// may recurse over it and need not think of getters, prototypes or sizes.

import { LIMITS, show } from "@keelson/contracts";
import { type DefinitionProblem, type Path, place, problem } from "./problem.ts";

export interface PlainJson {
  /** A copy without what was refused; undefined when it is so large or deep that nothing else should look at it. */
  readonly value: unknown;
  readonly problems: readonly DefinitionProblem[];
}

/** Copies a document, dropping and reporting what cannot be stored as JSON. */
export function readPlainJson(document: unknown): PlainJson {
  const reader = new Reader(document);
  const value = reader.copy(document, []);
  if (reader.size > LIMITS.documentBytes || encodedBytes(value) > LIMITS.documentBytes) {
    const message = `The document is larger than ${LIMITS.documentBytes / 1024} KiB: move data out of it, or split it into sub-workflows.`;
    return { value: undefined, problems: [problem("INVALID_FIELD", [], message)] };
  }
  return { value: reader.tooDeep ? undefined : value, problems: reader.problems };
}

function encodedBytes(value: unknown): number {
  return value === undefined ? 0 : new TextEncoder().encode(JSON.stringify(value)).length;
}

class Reader {
  readonly problems: DefinitionProblem[] = [];
  readonly #document: unknown;
  /** A lower bound of the bytes seen; copying stops beyond the limit, and at the first place that is too deep. */
  size = 0;
  tooDeep = false;

  constructor(document: unknown) {
    this.#document = document;
  }

  copy(value: unknown, path: Path): unknown {
    this.size += typeof value === "string" ? value.length + 2 : 1;
    if (this.size > LIMITS.documentBytes || this.tooDeep) return undefined;
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (typeof value === "string") return this.#text(value, path);
    if (typeof value !== "object" || !isPlain(value)) {
      return this.#refuse(
        path,
        `must be JSON, but is ${typeof value === "number" ? value : `of type ${typeof value}`}`,
      );
    }
    if (path.length >= LIMITS.jsonDepth) {
      this.tooDeep = true;
      return this.#refuse(path.slice(0, 3), `is nested deeper than ${LIMITS.jsonDepth} levels`);
    }
    return Array.isArray(value)
      ? value.map((item, index) => this.copy(item, [...path, index]))
      : this.#object(value, path);
  }

  #object(value: object, path: Path): object {
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      if (this.size > LIMITS.documentBytes) break;
      if (item === undefined) continue;
      this.size += key.length + 3;
      if (key === "__proto__") this.#refuse([...path, key], "must not be a key of any object: give it another name");
      else copy[this.#text(key, [...path, key])] = this.copy(item, [...path, key]);
    }
    return copy;
  }

  #text(text: string, path: Path): string {
    if (text.includes("\u0000") || !text.isWellFormed()) {
      this.#refuse(path, `must be text that can be stored: ${show(text)} has a NUL character or half a surrogate pair`);
    }
    return text;
  }

  #refuse(path: Path, rule: string): undefined {
    if (this.problems.length < 100) {
      this.problems.push(problem("INVALID_FIELD", path, `${place(this.#document, path)} ${rule}.`));
    }
  }
}

/** Arrays and objects without a class, of whatever realm. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (typeof prototype === "object" && Object.getPrototypeOf(prototype) === null);
}
