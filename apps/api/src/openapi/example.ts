// An example of a schema: of its own examples, values and formats, so that no example has to be kept beside the schema.

import { type Json, type JsonSchema, isJsonObject } from "@keelson/contracts";

const REF = /^#\/components\/schemas\//;

export function exampleOf(schema: JsonSchema, components: Readonly<Record<string, JsonSchema>>): Json {
  const stated = statedIn(schema);
  if (stated !== undefined) return stated;
  const { $ref: ref, anyOf, oneOf, type } = schema;
  if (typeof ref === "string") return exampleOf(components[ref.replace(REF, "")] ?? {}, components);
  const choice = anyOf ?? oneOf;
  if (Array.isArray(choice)) {
    const first = choice.find(isJsonObject);
    return first === undefined ? null : exampleOf(first, components);
  }
  switch (type) {
    case "object":
      return objectOf(schema, components);
    case "array":
      return isJsonObject(schema.items) ? [exampleOf(schema.items, components)] : [];
    case "string":
      return "text";
    case "integer":
    case "number":
      return typeof schema.minimum === "number" && schema.minimum > 1 ? schema.minimum : 1;
    case "boolean":
      return true;
    default:
      return null;
  }
}

function statedIn({ examples, const: constant, enum: values }: JsonSchema): Json | undefined {
  if (Array.isArray(examples)) return (examples as Json[])[0];
  if (constant !== undefined) return constant;
  return Array.isArray(values) ? (values as Json[])[0] : undefined;
}

function objectOf({ properties }: JsonSchema, components: Readonly<Record<string, JsonSchema>>): Json {
  if (!isJsonObject(properties)) return {};
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]) =>
      isJsonObject(property) ? [[name, exampleOf(property, components)] as const] : [],
    ),
  );
}
