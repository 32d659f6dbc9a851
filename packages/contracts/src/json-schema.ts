// JSON Schema 2020-12 of what the schemas here accept or yield: for the OpenAPI document and for editors.
//  J1. A name under which this package exports a schema is the name of its component, and `$ref`s go to it.
//  J2. Where a schema parses text into something else (a number in a query string), its meta `jsonSchema` says what that
//      text is; where it refines, `jsonSchema` or plain keywords in its meta say as much of the rule as JSON Schema can.

import { z } from "zod";
import { type Json, type JsonObject, isJsonObject } from "./json.ts";

export type JsonSchema = JsonObject;

/** `input`: what is accepted; `output`: what it becomes, or what an answer is. */
export type Direction = "input" | "output";

/** Each schema by its id, `$ref`s between them made by `uri`. */
export function jsonSchemasOf(
  schemas: Readonly<Record<string, z.ZodType>>,
  direction: Direction,
  uri: (id: string) => string,
): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) if (!registry.has(schema)) registry.add(schema, { id });
  const generated = z.toJSONSchema(registry, { uri, io: direction, unrepresentable: "any", override });
  return Object.fromEntries(Object.entries(generated.schemas).map(([id, schema]) => [id, plain(schema)]));
}

/** One schema by itself, nothing in it by reference. */
export function jsonSchemaOf(schema: z.ZodType, direction: Direction): JsonSchema {
  return plain(z.toJSONSchema(schema, { io: direction, unrepresentable: "any", override }));
}

/** Kept where `jsonSchema` replaces the rest. */
const KEPT = new Set(["description", "examples", "$ref"]);

function override({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { jsonSchema: stated, minimum, maximum, propertyNames } = jsonSchema;
  delete jsonSchema["jsonSchema"];
  // Said of every integer and every record; it tells nobody anything.
  if (minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (JSON.stringify(propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames;
  if (typeof stated !== "object" || stated === null) return;
  for (const keyword of Object.keys(jsonSchema)) if (!KEPT.has(keyword)) delete jsonSchema[keyword];
  // A reference to what has a name stays; one to what zod itself has split off is what `jsonSchema` is there to replace.
  if (jsonSchema.$ref?.includes("__shared") === true) delete jsonSchema.$ref;
  if (jsonSchema.$ref === undefined) Object.assign(jsonSchema, stated);
}

/** As plain data, without what names it elsewhere. */
function plain(schema: unknown): JsonSchema {
  const value: Json = JSON.parse(JSON.stringify(schema));
  if (!isJsonObject(value)) throw new Error("A JSON Schema is an object here");
  const { $schema: _dialect, $id: _id, ...rest } = value;
  return rest;
}
