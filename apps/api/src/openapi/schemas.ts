// The document's schemas: what @keelson/contracts exports becomes a component of that name; what belongs to one call alone
// stands where it is used.

import * as contracts from "@keelson/contracts";
import { type Direction, type Json, type JsonObject, type JsonSchema, isJsonObject } from "@keelson/contracts";
import { z } from "zod";

export interface Schemas {
  /** `$ref` of a schema that has a name, else the schema itself. What it refers to is a component from then on. */
  use(schema: z.ZodType, direction: Direction): JsonSchema;
  /** The schema itself, also of one that has a name. */
  inline(schema: z.ZodType, direction: Direction): JsonSchema;
  /** All that was referred to, by name. */
  components(): Record<string, JsonSchema>;
}

const PREFIX = "#/components/schemas/";
/** Before the names of schemas that no package exports. */
const OWN = "own:";

/** `schemas`: all that will be used. */
export function createSchemas(schemas: readonly z.ZodType[]): Schemas {
  const named = namedSchemas();
  const ids = new Map<z.ZodType, string>(Object.entries(named).map(([id, schema]) => [schema, id]));
  const unnamed = [...new Set(schemas)].filter((schema) => !ids.has(schema));
  unnamed.forEach((schema, index) => ids.set(schema, `${OWN}${index}`));
  const all = Object.fromEntries([...ids].map(([schema, id]) => [id, schema]));
  const uri = (id: string) => `${PREFIX}${id}`;
  const generated = {
    input: contracts.jsonSchemasOf(all, "input", uri),
    output: contracts.jsonSchemasOf(all, "output", uri),
  };
  const used = new Map<string, JsonSchema>();

  function collect(value: Json, direction: Direction): void {
    if (Array.isArray(value)) for (const item of value) collect(item, direction);
    if (!isJsonObject(value)) return;
    const { $ref: ref } = value;
    if (typeof ref === "string") add(ref.slice(PREFIX.length), direction);
    for (const item of Object.values(value)) collect(item, direction);
  }

  function add(id: string, direction: Direction): void {
    const schema = generated[direction][id];
    if (schema === undefined) throw new Error(`No schema is called ${id}`);
    const known = used.get(id);
    if (known === undefined) {
      used.set(id, schema);
      collect(schema, direction);
    } else if (JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Error(`${id} is one thing in requests and another in answers: give each a schema of its own`);
    }
  }

  function inline(schema: z.ZodType, direction: Direction): JsonSchema {
    const found = generated[direction][ids.get(schema) ?? ""];
    if (found === undefined) throw new Error("This schema was not announced");
    collect(found, direction);
    return found;
  }

  return {
    use(schema, direction) {
      const id = ids.get(schema);
      if (id === undefined || id.startsWith(OWN)) return inline(schema, direction);
      add(id, direction);
      return { $ref: uri(id) };
    },
    inline,
    components: () => Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function namedSchemas(): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(contracts).flatMap(([name, value]) => (value instanceof z.ZodType ? [[name, value] as const] : [])),
  );
}

/** A schema's property, by its name. */
export function propertiesOf(schema: JsonSchema): [name: string, schema: JsonObject][] {
  const { properties } = schema;
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, property]) => (isJsonObject(property) ? [[name, property]] : []));
}
