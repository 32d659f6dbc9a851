// One call as an operation of the document.

import type { JsonObject, JsonSchema } from "@keelson/contracts";
import type { z } from "zod";
import type { Access, Route } from "../http/route.ts";
import { RATE_HEADERS, answerHeaders, requestHeaders } from "./headers.ts";
import { type Refusals, refusalsOf } from "./refusals.ts";
import { type Schemas, propertiesOf } from "./schemas.ts";

export interface DocumentParts {
  readonly schemas: Schemas;
  readonly refusals: Refusals;
}

/** Every schema that the operation will use. */
export function schemasOf({ params, query, body, answers, doc }: Route): z.ZodType[] {
  return [params, query, body, doc.bodySchema, ...Object.values(answers)].filter(
    (schema) => schema !== undefined && schema !== null,
  );
}

export function operationOf(route: Route, parts: DocumentParts): JsonObject {
  const { doc, access } = route;
  const { operationId, tag, summary, description } = doc;
  const body = bodyOf(route, parts);
  return {
    operationId,
    tags: [tag],
    summary,
    description: [description, accessText(access)].filter((text) => text !== undefined).join("\n\n"),
    security: securityOf(access),
    parameters: [
      ...parametersOf(route, "path", parts),
      ...parametersOf(route, "query", parts),
      ...requestHeaders(doc.requestHeaders ?? []),
    ],
    ...(body === null ? {} : { requestBody: body }),
    responses: { ...answersOf(route, parts), ...parts.refusals.responses(refusalsOf(route)) },
  };
}

function accessText(access: Access): string {
  switch (access) {
    case "operator":
      return "Takes the operator's token.";
    case "anyone":
      return "Needs no scope.";
    default:
      return `Needs the scope \`${access}\`.`;
  }
}

function securityOf(access: Access): JsonObject[] {
  if (access === "operator") return [{ operatorToken: [] }];
  if (access === "anyone") return [{ apiKey: [] }, { operatorToken: [] }];
  return [{ apiKey: [access] }];
}

function parametersOf(route: Route, where: "path" | "query", { schemas }: DocumentParts): JsonObject[] {
  const schema = where === "path" ? route.params : route.query;
  if (schema === undefined) return [];
  const object = schemas.inline(schema, "input");
  const required = Array.isArray(object.required) ? object.required : [];
  return propertiesOf(object).map(([name, { description, "x-repeated": repeated, ...rest }]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    ...(description === undefined ? {} : { description }),
    ...(rest.type === "array" ? { style: "form", explode: repeated === true } : {}),
    schema: rest,
  }));
}

function bodyOf({ body, doc }: Route, { schemas }: DocumentParts): JsonObject | null {
  if (body === undefined) return null;
  const schema = schemas.use(doc.bodySchema ?? body, "input");
  return {
    required: doc.bodySchema !== undefined || !body.safeParse(undefined).success,
    content: { "application/json": { schema, ...exampleIn(doc.example) } },
  };
}

function exampleIn(example: unknown): JsonObject {
  return example === undefined ? {} : { examples: { example: { value: JSON.parse(JSON.stringify(example)) } } };
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: "Done; the answer.",
  201: "Created.",
  202: "Accepted and committed; the work goes on from here.",
  204: "Done; there is nothing to answer.",
};

function answersOf({ answers, doc, access }: Route, { schemas }: DocumentParts): JsonObject {
  const rate = access === "operator" ? [] : RATE_HEADERS;
  return Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => {
      const headers = answerHeaders([...(doc.answerHeaders?.[Number(status)] ?? []), ...rate]);
      const description = DESCRIPTIONS[Number(status)] ?? "Done.";
      if (schema === null) return [status, { description, headers }];
      const content = {
        "application/json": { schema: schemas.use(schema, "output") },
        ...streamIn(doc.stream, status),
      };
      return [status, { description, headers, content }];
    }),
  );
}

const STREAM_EXAMPLE = `id: 1
event: execution.queued
data: {"seq":1,"at":"2026-01-31T09:30:00.000Z","type":"execution.queued","data":{}}

event: end
data: {}

`;

function streamIn(stream: string | undefined, status: string): Record<string, JsonObject> {
  if (stream === undefined || status !== "200") return {};
  const schema: JsonSchema = { type: "string", description: stream };
  return { "text/event-stream": { schema, examples: { example: { value: STREAM_EXAMPLE } } } };
}
