// Makes a tenant's schema fit for ajv: a copy in which every subschema carries its cost, and nothing is left by which
// ajv would do other than JSON Schema 2020-12 says. What reaches outside the schema, or into a part that is no
// subschema (and so would run unpaid), is refused.

import { isJsonObject, type Json, type JsonObject } from "@keelson/contracts";
import type { Path } from "../problem.ts";
import type { Cost } from "./meter.ts";
import { patternFault } from "./pattern.ts";

/** The keyword by which a subschema carries its cost. */
export const COST_KEYWORD = "keelsonCost";

export interface SchemaFault {
  readonly path: Path;
  /** A clause to follow the place: `has a $ref …`. */
  readonly rule: string;
}

export interface PreparedSchema {
  readonly schema: JsonObject | boolean;
  readonly faults: readonly SchemaFault[];
}

/** Keywords whose values are data, not schemas. */
export const DATA_KEYWORDS: ReadonlySet<string> = new Set([
  "enum",
  "const",
  "default",
  "examples",
  "required",
  "type",
  "dependentRequired",
]);
/** Keywords whose values are schemas by name. */
export const MAP_KEYWORDS: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
  "dependencies",
]);
/** Keywords that mean nothing in 2020-12, but something to ajv; and those that the root alone may have. */
const DROPPED = new Set(["$schema", "$id", "id", "$async", "nullable", "discriminator", "$vocabulary", COST_KEYWORD]);
/** Subschemas of one schema: compiling takes time that grows faster than they do. */
const MAX_SUBSCHEMAS = 500;
const DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Prepares a schema that the meta-schema has accepted. */
export function prepareSchema(root: JsonObject | boolean): PreparedSchema {
  if (typeof root === "boolean") return { schema: root, faults: [] };
  const preparation = new Preparation(root);
  const schema = preparation.subschema(root, []);
  return { schema, faults: [...preparation.sizeFaults(), ...preparation.faults, ...preparation.referenceFaults()] };
}

class Preparation {
  readonly faults: SchemaFault[] = [];
  readonly #root: JsonObject;
  readonly #subschemas = new Set<unknown>();
  readonly #anchors = new Set<string>();
  readonly #references: { path: Path; target: string }[] = [];
  readonly #propertyCount: number;

  constructor(root: JsonObject) {
    this.#root = root;
    this.#propertyCount = countProperties(root);
  }

  subschema(schema: JsonObject, path: Path): JsonObject {
    this.#subschemas.add(schema);
    this.#note(schema, path);
    const copy: Record<string, Json> = { [COST_KEYWORD]: { ...costOf(schema, this.#propertyCount) } };
    for (const [key, value] of Object.entries(schema)) {
      if (DROPPED.has(key)) continue;
      if (DATA_KEYWORDS.has(key)) copy[key] = value;
      else if (MAP_KEYWORDS.has(key) && isJsonObject(value)) copy[key] = this.#map(value, [...path, key]);
      else copy[key] = this.#part(value, [...path, key]);
    }
    return copy;
  }

  #map(schemas: JsonObject, path: Path): JsonObject {
    return Object.fromEntries(Object.entries(schemas).map(([key, value]) => [key, this.#part(value, [...path, key])]));
  }

  #part(value: Json, path: Path): Json {
    if (isJsonObject(value)) return this.subschema(value, path);
    if (!isList(value)) return value;
    return value.map((item, index) => (isJsonObject(item) ? this.subschema(item, [...path, index]) : item));
  }

  #note(schema: JsonObject, path: Path): void {
    for (const key of ["$anchor", "$dynamicAnchor"]) {
      const anchor = schema[key];
      if (typeof anchor === "string") this.#anchors.add(anchor);
    }
    for (const key of ["$ref", "$dynamicRef"]) {
      const target = schema[key];
      if (typeof target === "string") this.#references.push({ path: [...path, key], target });
    }
    const { $schema: dialect, pattern, patternProperties } = schema;
    if (path.length > 0 && schema.$id !== undefined) {
      this.faults.push({
        path: [...path, "$id"],
        rule: "stands below the root, where no $id is allowed: refer to parts by #/…",
      });
    }
    if (typeof dialect === "string" && !DIALECT.test(dialect)) {
      this.faults.push({
        path: [...path, "$schema"],
        rule: "names another dialect than JSON Schema 2020-12: remove it, or translate the schema",
      });
    }
    if (typeof pattern === "string") this.#checkPattern(pattern, [...path, "pattern"]);
    if (isJsonObject(patternProperties)) {
      for (const key of Object.keys(patternProperties)) this.#checkPattern(key, [...path, "patternProperties", key]);
    }
  }

  #checkPattern(pattern: string, path: Path): void {
    const fault = patternFault(pattern);
    if (fault !== null) this.faults.push({ path, rule: `is no pattern that can be used: ${fault}` });
  }

  sizeFaults(): SchemaFault[] {
    const count = this.#subschemas.size;
    if (count <= MAX_SUBSCHEMAS) return [];
    return [
      { path: [], rule: `has ${count} subschemas, more than ${MAX_SUBSCHEMAS}: check the finer parts in a step` },
    ];
  }

  referenceFaults(): SchemaFault[] {
    return this.#references.flatMap(({ path, target }) => {
      if (!target.startsWith("#")) {
        return [
          {
            path,
            rule: "refers to another document: only references within the schema are followed, such as #/$defs/name",
          },
        ];
      }
      return this.#resolves(target.slice(1))
        ? []
        : [{ path, rule: "refers to nothing in the schema that is itself a schema" }];
    });
  }

  #resolves(fragment: string): boolean {
    if (fragment !== "" && !fragment.startsWith("/")) return this.#anchors.has(fragment);
    let value: unknown = this.#root;
    for (const segment of fragment.split("/").slice(1)) {
      const key = decodeSegment(segment);
      if (key === null || typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
      value = Reflect.get(value, key);
    }
    return typeof value === "boolean" || this.#subschemas.has(value);
  }
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return null;
  }
}

function costOf(schema: JsonObject, propertyCount: number): Cost {
  const lists = [schema.allOf, schema.anyOf, schema.oneOf, schema.prefixItems, schema.required];
  const listed = lists.reduce<number>((sum, value) => sum + (isList(value) ? value.length : 0), 0);
  const maps = [schema.properties, schema.dependentSchemas, schema.dependentRequired, schema.dependencies];
  const mapped = maps.reduce<number>((sum, value) => sum + sizeOf(value), 0);
  const data = [schema.enum, schema.const].reduce<number>(
    (sum, value) => sum + (value === undefined ? 0 : JSON.stringify(value).length),
    0,
  );
  const unevaluated = schema.unevaluatedProperties === undefined ? 0 : propertyCount / 8;
  return { base: 1 + listed + mapped + data / 32, perEntry: 1 + 4 * sizeOf(schema.patternProperties) + unevaluated };
}

function countProperties(value: Json): number {
  if (isList(value)) return value.reduce<number>((sum, item) => sum + countProperties(item), 0);
  if (!isJsonObject(value)) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + countProperties(item), sizeOf(value.properties));
}

function sizeOf(value: Json | undefined): number {
  return isJsonObject(value) ? Object.keys(value).length : 0;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
