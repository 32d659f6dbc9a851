// The input schema of a workflow: JSON Schema 2020-12, checked by ajv. Tenants write it, so it can reach no other
// document, its patterns run on RE2, and what a check costs is bounded. `format` is an annotation, as 2020-12 has it.

import { aliased, isJsonObject, type Json, type JsonObject, seen, suggestion } from "@keelson/contracts";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { type DefinitionProblem, pointer, problem, read } from "../problem.ts";
import { type Cost, createMeter, type Meter, OutOfBudget, priceOf } from "./meter.ts";
import { createPatternEngine } from "./pattern.ts";
import { COST_KEYWORD, prepareSchema } from "./prepare.ts";

export interface InputProblem {
  /** JSON Pointer into the input. */
  readonly path: string;
  readonly message: string;
}
export type InputCheck = (input: Json) => InputProblem[];

/** Units a check may spend: about a tenth of a second. */
const BUDGET = 1_000_000;
/** Units for the second look that lists all problems: each costs memory. */
const LISTING_BUDGET = 50_000;
const MAX_PROBLEMS = 50;

/** Thrown for a schema that cannot be used; `problems` say why. */
export class InputSchemaError extends Error {
  override readonly name = "InputSchemaError";
  readonly problems: readonly DefinitionProblem[];

  constructor(problems: readonly DefinitionProblem[]) {
    super(problems.map((found) => found.message).join(" "));
    this.problems = problems;
  }
}

/**
 * Compiles an input schema to a check that yields the problems of an input, at most 50; none means that it fits.
 * Throws InputSchemaError, with pointers that begin with `/inputSchema`, for a schema that cannot be used.
 */
export function compileInputSchema(schema: unknown): InputCheck {
  if (typeof schema !== "boolean" && !isJsonObject(schema)) {
    throw new InputSchemaError([
      problem("INVALID_FIELD", ["inputSchema"], "inputSchema must be an object, true or false."),
    ]);
  }
  const misuse = metaSchemaProblems(schema);
  if (misuse.length > 0) throw new InputSchemaError(misuse);
  const prepared = prepareSchema(schema);
  if (prepared.faults.length > 0) {
    throw new InputSchemaError(
      prepared.faults.map(({ path, rule }) =>
        problem("INVALID_FIELD", ["inputSchema", ...path], `${["inputSchema", ...path].join(".")} ${rule}.`),
      ),
    );
  }
  const fits = compile(prepared.schema, false, BUDGET);
  let listAll: Validator | undefined;
  return (input) => {
    const first = fits(input);
    if (first.length === 0 || first === TOO_COSTLY) return first;
    listAll ??= compile(prepared.schema, true, LISTING_BUDGET);
    const all = listAll(input);
    return all === TOO_COSTLY || all.length === 0 ? first : all;
  };
}

type Validator = (input: Json) => InputProblem[];

const TOO_COSTLY: InputProblem[] = [
  { path: "", message: "The input takes too long to check against the workflow's inputSchema." },
];

function compile(schema: JsonObject | boolean, allErrors: boolean, budget: number): Validator {
  const meter = createMeter();
  const validate = compileWithAjv(schema, allErrors, meter);
  return (input) => {
    meter.start(budget);
    try {
      return validate(input) ? [] : describeErrors(validate.errors ?? []);
    } catch (error) {
      // A reference that leads to itself ends with the stack; everything else that is thrown is a defect.
      if (error instanceof OutOfBudget || error instanceof RangeError) return TOO_COSTLY;
      throw error;
    }
  };
}

function compileWithAjv(schema: JsonObject | boolean, allErrors: boolean, meter: Meter): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    validateFormats: false,
    inlineRefs: false,
    ownProperties: true,
    code: { regExp: createPatternEngine(meter), optimize: false },
  });
  ajv.addKeyword({
    keyword: COST_KEYWORD,
    schemaType: "object",
    errors: false,
    compile: (cost: Cost) => (data: unknown) => {
      meter.spend(priceOf(cost, data));
      return true;
    },
  });
  payFirst(ajv);
  linearUniqueItems(ajv, meter);
  try {
    return ajv.compile(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "it is not understood";
    throw new InputSchemaError([problem("INVALID_FIELD", ["inputSchema"], `inputSchema cannot be used: ${reason}.`)]);
  }
}

/** Moves the cost before all other keywords, which are skipped after the first that fails. */
function payFirst(ajv: Ajv2020): void {
  const { rules } = ajv.RULES;
  for (const group of rules) {
    const index = group.rules.findIndex((rule) => rule.keyword === COST_KEYWORD);
    if (index < 0) continue;
    rules.unshift({ rules: group.rules.splice(index, 1) });
    return;
  }
  throw new Error("ajv has no rule for the cost of a subschema");
}

/** ajv compares each item with each other; this takes one pass. */
function linearUniqueItems(ajv: Ajv2020, meter: Meter): void {
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    error: { message: "must NOT have duplicate items" },
    compile: (unique: boolean) => (items: Json[]) => {
      const seen = new Set<string>();
      return items.every((item) => {
        const text = canonical(item);
        meter.spend(1 + text.length / 8);
        return !unique || seen.size < seen.add(text).size;
      });
    },
  });
}

/** The same text for equal values: keys sorted. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, part: Json) =>
    isJsonObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

const metaSchema = new Ajv2020({ strict: false, logger: false, validateFormats: false, allErrors: true });

function metaSchemaProblems(schema: JsonObject | boolean): DefinitionProblem[] {
  const { $schema: _dialect, ...rest } = typeof schema === "boolean" ? {} : schema;
  if (typeof schema === "boolean" || metaSchema.validateSchema(rest) === true) return [];
  const byPath = new Map<string, DefinitionProblem>();
  for (const { path, message } of describeErrors(metaSchema.errors ?? [])) {
    const place = `inputSchema${path.replaceAll("/", ".")}`;
    const value = read(schema, path.split("/").slice(1));
    if (!byPath.has(path)) {
      byPath.set(path, {
        path: `/inputSchema${path}`,
        code: "INVALID_FIELD",
        message: `${place} ${message} to be JSON Schema 2020-12${seen(value)}.${typeHint(path, value)}`,
      });
    }
  }
  return [...byPath.values()];
}

const TYPES = ["array", "boolean", "integer", "null", "number", "object", "string"];
const FOREIGN_TYPES: Readonly<Record<string, string>> = {
  array: "list",
  boolean: "bool",
  integer: "int long",
  number: "float double decimal",
  object: "map dict record",
  string: "text str uuid date datetime email",
};

function typeHint(path: string, type: unknown): string {
  if (typeof type !== "string" || !path.endsWith("/type")) return "";
  const meant = aliased(type, TYPES, FOREIGN_TYPES);
  return meant === null ? suggestion(type, TYPES) : ` Did you mean "${meant}"?`;
}

function describeErrors(errors: readonly ErrorObject[]): InputProblem[] {
  return errors.slice(0, MAX_PROBLEMS).map(describeError);
}

function describeError({ instancePath: path, keyword, params, message }: ErrorObject): InputProblem {
  switch (keyword) {
    case "required":
      return { path: path + pointer([String(params.missingProperty)]), message: "is required" };
    case "additionalProperties":
    case "unevaluatedProperties":
      return {
        path: path + pointer([String(params.additionalProperty ?? params.unevaluatedProperty)]),
        message: "is not a known property",
      };
    case "enum":
      return { path, message: `must be one of ${JSON.stringify(params.allowedValues).slice(0, 200)}` };
    case "const":
      return { path, message: `must be ${JSON.stringify(params.allowedValue).slice(0, 200)}` };
    default:
      return { path, message: message ?? `does not fit ${keyword}` };
  }
}
