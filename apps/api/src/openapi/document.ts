// The OpenAPI 3.1 document: made of the declarations that serve the calls, and of the schemas that parse them.

import { type Json, type JsonObject, type JsonSchema, Problem, isJsonObject } from "@keelson/contracts";
import type { Route } from "../http/route.ts";
import { exampleOf } from "./example.ts";
import { COMMON_PARAMETERS, HEADER_COMPONENTS } from "./headers.ts";
import { INGRESS_SCHEMAS, ingressPaths } from "./ingress.ts";
import { DESCRIPTION } from "./introduction.ts";
import { operationOf, schemasOf } from "./operation.ts";
import { createRefusals } from "./refusals.ts";
import { createSchemas } from "./schemas.ts";
import { TAGS } from "./tags.ts";

/** Plain JSON. `ingressUrl`: base of the hooks' addresses, without a slash at its end. */
export function createDocument(
  routes: readonly Route[],
  { version, ingressUrl }: { readonly version: string; readonly ingressUrl: string },
): JsonObject {
  const schemas = createSchemas([Problem, ...INGRESS_SCHEMAS, ...routes.flatMap(schemasOf)]);
  const parts = { schemas, refusals: createRefusals() };
  const paths = { ...apiPaths(routes, parts), ...ingressPaths(ingressUrl, parts) };
  schemas.use(Problem, "output");
  const components = schemas.components();
  const tags = new Set(routes.map(({ doc }) => doc.tag)).add("Webhooks");
  return {
    openapi: "3.1.1",
    info: {
      title: "Keelson",
      version,
      summary: "A multi-tenant workflow engine.",
      description: DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The api that serves this document" }],
    tags: Object.entries(TAGS).flatMap(([name, description]) =>
      [...tags].some((tag) => tag === name) ? [{ name, description }] : [],
    ),
    paths: withExamples(paths, components),
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: components,
      responses: parts.refusals.components(),
      ...HEADER_COMPONENTS,
    },
  };
}

const SECURITY_SCHEMES = {
  apiKey: {
    type: "http",
    scheme: "bearer",
    description: "An API key of a tenant. Each call names the one scope that it needs; none holds another.",
  },
  operatorToken: { type: "http", scheme: "bearer", description: "The operator's token: `KEELSON_ADMIN_TOKEN`." },
} as const;

function apiPaths(routes: readonly Route[], parts: Parameters<typeof operationOf>[1]): Record<string, JsonObject> {
  const byPath = Map.groupBy(routes, ({ path }) => path.replaceAll(/:(\w+)/g, "{$1}"));
  return Object.fromEntries(
    [...byPath].map(([path, group]) => {
      const operations = group.map((route) => [route.method, operationOf(route, parts)] as const);
      return [path, { parameters: COMMON_PARAMETERS, ...Object.fromEntries(operations) }];
    }),
  );
}

/** Every answer in JSON that says no example itself is given one. */
function withExamples(value: Json, components: Readonly<Record<string, JsonSchema>>): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withExamples(item, components));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== "application/json" || !isJsonObject(item) || "examples" in item || !isJsonObject(item.schema)) {
        return [key, withExamples(item, components)];
      }
      return [key, { ...item, examples: { example: { value: exampleOf(item.schema, components) } } }];
    }),
  );
}
