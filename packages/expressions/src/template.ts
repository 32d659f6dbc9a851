// Templates: JSON in whose strings expressions stand. Compiled once, to a tree in which all that is fixed is shared.
import { LIMITS, type Json, type JsonObject } from "@keelson/contracts";
import type { Run } from "./context.ts";
import { ExpressionSyntaxError, SyntaxFault, type ExpressionProblem } from "./errors.ts";
import { compileSource, type CompileOptions } from "./expression.ts";
import { isArray, put } from "./kinds.ts";
import { DEFAULT_ROOTS, Findings, referencesOf, type Place, type References } from "./references.ts";
import { cutTemplate } from "./template-text.ts";
import { utf8Bytes } from "./sizes.ts";

/** A checked template. All but `references` and `namesSecrets` is for this package alone. */
export interface CompiledTemplate {
  readonly references: References;
  /** Whether some string names secrets. */
  readonly namesSecrets: boolean;
  readonly root: TemplateNode;
  /** Strings that name secrets, each with the keys and indexes that lead to it. */
  readonly secretStrings: readonly { readonly keys: readonly (string | number)[]; readonly text: TextNode }[];
}

export type TemplateNode =
  | { readonly kind: "fixed"; readonly value: Json; readonly bytes: number }
  | TextNode
  | { readonly kind: "array"; readonly items: readonly TemplateNode[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, TemplateNode])[] };

export interface TextNode {
  readonly kind: "text";
  /** JSON Pointer. */
  readonly path: string;
  readonly namesSecrets: boolean;
  /** Text, and expressions with their source; one expression alone keeps its type. */
  readonly parts: readonly (string | ExpressionPart)[];
}

export interface ExpressionPart {
  readonly source: string;
  readonly run: Run;
}

/** @throws ExpressionSyntaxError with all problems of all strings */
export function compileTemplate(template: Json, options: CompileOptions = {}): CompiledTemplate {
  const compiler = new TemplateCompiler(options.roots ?? DEFAULT_ROOTS);
  const root = compiler.node(template, "", []);
  if (compiler.problems.length > 0) throw new ExpressionSyntaxError(compiler.problems);
  return {
    references: referencesOf(compiler.places),
    namesSecrets: compiler.secretStrings.length > 0,
    root,
    secretStrings: compiler.secretStrings,
  };
}

class TemplateCompiler {
  readonly problems: ExpressionProblem[] = [];
  readonly places: Place[] = [];
  readonly secretStrings: { keys: readonly (string | number)[]; text: TextNode }[] = [];
  readonly #roots: readonly string[];

  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  node(template: Json, path: string, keys: readonly (string | number)[]): TemplateNode {
    if (typeof template === "string")
      return template.includes("{{") ? this.#text(template, path, keys) : fixed(template);
    if (template === null || typeof template !== "object") return fixed(template);
    if (keys.length >= LIMITS.jsonDepth) {
      const message = `The template is nested more than ${LIMITS.jsonDepth} deep.`;
      this.problems.push({ code: "EXPRESSION_FORBIDDEN", message, path, position: 0 });
      return fixed(null);
    }
    if (isArray(template)) {
      const items = template.map((item, index) => this.node(item, `${path}/${index}`, [...keys, index]));
      return items.every(isFixed) ? fixedArray(template, items) : { kind: "array", items };
    }
    const entries = Object.keys(template).map(
      (key) => [key, this.node(template[key] ?? null, `${path}/${escapePointer(key)}`, [...keys, key])] as const,
    );
    return entries.every(isFixedEntry) ? fixedObject(template, entries) : { kind: "object", entries };
  }

  #text(text: string, path: string, keys: readonly (string | number)[]): TemplateNode {
    const parts: (string | ExpressionPart)[] = [];
    let namesSecrets = false;
    try {
      for (const part of cutTemplate(text)) {
        if (part.kind === "text") {
          parts.push(part.text);
          continue;
        }
        const findings = new Findings(this.#roots, path, part.start);
        const run = compileSource(part.source, findings);
        this.problems.push(...findings.problems);
        this.places.push(...findings.places);
        namesSecrets ||= findings.places.some((place) => place.root === "secrets");
        if (run !== undefined) parts.push({ source: part.source, run });
      }
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error;
      this.problems.push({ code: error.code, message: error.message, path, position: error.position });
    }
    const [only] = parts;
    if (parts.length === 1 && typeof only === "string") return fixed(only);
    const node: TextNode = { kind: "text", path, namesSecrets, parts };
    if (namesSecrets) this.secretStrings.push({ keys, text: node });
    return node;
  }
}

type FixedNode = TemplateNode & { kind: "fixed" };

function isFixed(node: TemplateNode): node is FixedNode {
  return node.kind === "fixed";
}

function isFixedEntry(entry: readonly [string, TemplateNode]): entry is readonly [string, FixedNode] {
  return isFixed(entry[1]);
}

function fixed(value: string | number | boolean | null): FixedNode {
  return { kind: "fixed", value, bytes: typeof value === "string" ? utf8Bytes(value) + 2 : 4 };
}

/** The array itself, or a copy where `\{{` stood in it. */
function fixedArray(template: readonly Json[], items: readonly FixedNode[]): FixedNode {
  const isSame = items.every((item, index) => item.value === template[index]);
  const bytes = items.reduce((sum, item) => sum + item.bytes + 1, 2);
  return { kind: "fixed", value: isSame ? template : items.map((item) => item.value), bytes };
}

function fixedObject(template: JsonObject, entries: readonly (readonly [string, FixedNode])[]): FixedNode {
  const isSame = entries.every(([key, node]) => node.value === template[key]);
  const bytes = entries.reduce((sum, [key, node]) => sum + utf8Bytes(key) + node.bytes + 4, 2);
  if (isSame) return { kind: "fixed", value: template, bytes };
  const value: Record<string, Json> = {};
  for (const [key, node] of entries) put(value, key, node.value);
  return { kind: "fixed", value, bytes };
}

function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
