// Evaluates compiled templates. A string that names secrets is stored as `***` whole and evaluated anew where it is
// needed (I8), so evaluation comes in two halves: everything but those strings, and those strings alone.
import { assertNever, isJsonObject, type Json } from "@keelson/contracts";
import { EvaluationError } from "./errors.ts";
import { evaluateIn, evaluationError } from "./expression.ts";
import { DEFAULT_BUDGET, Frame, type Budget, type Scope } from "./frame.ts";
import { isArray, put } from "./kinds.ts";
import { utf8Bytes } from "./sizes.ts";
import type { CompiledTemplate, TemplateNode, TextNode } from "./template.ts";
import { textOf } from "./values.ts";

/** What stands in the place of a string that names secrets. */
export const SECRET_MASK = "***";

export interface TemplateOptions {
  /** `"mask"`: a string that names secrets yields `***` whole, and is not evaluated. Default `"evaluate"`. */
  readonly secrets?: "evaluate" | "mask";
  /** For the template as a whole. */
  readonly budget?: Budget;
}

/** @throws EvaluationError */
export function evaluateTemplate(compiled: CompiledTemplate, scope: Scope, options: TemplateOptions = {}): Json {
  const evaluation = new Evaluation(scope, options.budget ?? DEFAULT_BUDGET, options.secrets === "mask");
  return evaluation.node(compiled.root);
}

/**
 * Evaluates only the strings that name secrets and puts them into a copy of `frozen`, which is what `evaluateTemplate`
 * with `"mask"` has given. `used` holds the values of all secrets that were read, to be redacted elsewhere.
 * @throws EvaluationError
 */
export function resolveSecrets(
  compiled: CompiledTemplate,
  frozen: Json,
  scope: Scope,
): { value: Json; used: string[] } {
  const evaluation = new Evaluation(scope, DEFAULT_BUDGET, false);
  let value = frozen;
  for (const { keys, text } of compiled.secretStrings) {
    value = replaceAt(value, keys, 0, evaluation.text(text), text.path);
  }
  return { value, used: [...evaluation.usedSecrets] };
}

class Evaluation {
  readonly usedSecrets = new Set<string>();
  readonly #scope: Scope;
  readonly #masks: boolean;
  #stepsLeft: number;
  #bytesLeft: number;

  constructor(scope: Scope, budget: Budget, masks: boolean) {
    this.#scope = scope;
    this.#masks = masks;
    this.#stepsLeft = budget.steps;
    this.#bytesLeft = budget.bytes;
  }

  node(node: TemplateNode): Json {
    switch (node.kind) {
      case "fixed":
        this.#take(node.bytes, "");
        return node.value;
      case "text":
        if (this.#masks && node.namesSecrets) return SECRET_MASK;
        return this.text(node);
      case "array":
        this.#take(node.items.length + 2, "");
        return node.items.map((item) => this.node(item));
      case "object": {
        const object: Record<string, Json> = {};
        for (const [key, value] of node.entries) {
          this.#take(key.length + 4, "");
          put(object, key, this.node(value));
        }
        return object;
      }
      default:
        return assertNever(node);
    }
  }

  /** One string: its only expression's value with its type, or all parts joined as text. */
  text(node: TextNode): Json {
    const frame = new Frame(this.#scope, this.#stepsLeft, node.path, node.namesSecrets);
    try {
      return this.#join(node, frame);
    } finally {
      this.#stepsLeft = frame.stepsLeft;
      for (const value of frame.usedSecrets) this.usedSecrets.add(value);
    }
  }

  #join(node: TextNode, frame: Frame): Json {
    const [only] = node.parts;
    if (node.parts.length === 1 && only !== undefined && typeof only !== "string") {
      const { value, bytes } = evaluateIn(frame, only, node.path, this.#bytesLeft);
      this.#take(bytes, node.path);
      return value;
    }
    let text = "";
    for (const part of node.parts) {
      const piece = typeof part === "string" ? part : this.#piece(part, node, frame);
      this.#take(utf8Bytes(piece), node.path);
      text += piece;
    }
    return text;
  }

  #piece(part: Exclude<TextNode["parts"][number], string>, node: TextNode, frame: Frame): string {
    const { value } = evaluateIn(frame, part, node.path, this.#bytesLeft);
    try {
      return textOf(value, this.#bytesLeft);
    } catch (error) {
      throw evaluationError(error, part.source, node.path);
    }
  }

  #take(bytes: number, path: string): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) {
      throw new EvaluationError("TOO_LARGE", "The template's result is larger than 1 MiB: return less of it.", path);
    }
  }
}

/** A copy of `value` with `replacement` at `keys`; only what leads there is copied. */
function replaceAt(value: Json, keys: readonly (string | number)[], at: number, replacement: Json, path: string): Json {
  const key = keys[at];
  if (key === undefined) return replacement;
  if (isArray(value) && typeof key === "number" && key < value.length) {
    return value.with(key, replaceAt(value[key] ?? null, keys, at + 1, replacement, path));
  }
  if (isJsonObject(value) && !isArray(value) && typeof key === "string" && Object.hasOwn(value, key)) {
    const copy: Record<string, Json> = {};
    for (const name of Object.keys(value)) put(copy, name, value[name] ?? null);
    put(copy, key, replaceAt(value[key] ?? null, keys, at + 1, replacement, path));
    return copy;
  }
  throw new EvaluationError("EXPRESSION_FAILED", "The stored value has not the template's shape.", path);
}
