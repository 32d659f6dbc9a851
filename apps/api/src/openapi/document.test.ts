import { createConfig, lintFromString } from "@redocly/openapi-core";
import { type Json, type JsonObject, isJsonObject } from "@keelson/contracts";
import { describe, expect, it } from "vitest";
import { ROUTES } from "../routes/all.ts";
import { createDocument } from "./document.ts";

const document = createDocument(ROUTES, { version: "1.2.3", ingressUrl: "http://hooks.example.test" });

describe("the OpenAPI document", () => {
  it("keeps the recommended rules of a public linter", async () => {
    const config = await createConfig({
      extends: ["recommended-strict"],
      rules: {
        // `post /workflows/validate` lies beside `put /workflows/{ref}`: the fixed path is served first, as the standard says.
        "no-ambiguous-paths": "off",
        // It takes the scheme that may be left out of `standard` for one that may be left out of all.
        "no-illogical-composition-keywords": "off",
        "security-defined": "error",
        "operation-operationId": "error",
        "operation-operationId-unique": "error",
        "no-unused-components": "error",
        "no-invalid-media-type-examples": "error",
        "no-invalid-schema-examples": "error",
        "no-server-example.com": "off",
      },
    });
    const problems = await lintFromString({ source: JSON.stringify(document), config, absoluteRef: "openapi.json" });
    expect(problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`)).toEqual(
      [],
    );
  });

  it("says the server's version", () => {
    expect(document).toMatchObject({ openapi: "3.1.1", info: { version: "1.2.3" } });
  });

  it("has every route once, and nothing else of the api", () => {
    const documented = Object.entries(objectOf(document["paths"])).flatMap(([path, item]) =>
      isJsonObject(item) && item["servers"] === undefined
        ? Object.keys(item).flatMap((key) => (key === "parameters" ? [] : [`${key} ${path}`]))
        : [],
    );
    const served = ROUTES.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(documented.sort()).toEqual(served.sort());
  });

  it("describes every property of every component", () => {
    const bare = Object.entries(objectOf(objectOf(document["components"])["schemas"])).flatMap(([name, schema]) =>
      Object.entries(objectOf(objectOf(schema)["properties"])).flatMap(([property, field]) =>
        isDescribed(objectOf(field)) ? [] : [`${name}.${property}`],
      ),
    );
    expect(bare).toEqual([]);
  });
});

describe.each(ROUTES.filter(({ body }) => body !== undefined))("$doc.operationId", ({ body, doc }) => {
  it("shows a body that it takes", () => {
    expect(doc.example).toBeDefined();
    expect((doc.bodySchema ?? body)?.safeParse(doc.example)).toMatchObject({ success: true });
  });
});

/** Itself, by what it refers to, or since its name and its one value say all. */
function isDescribed(field: JsonObject): boolean {
  return field["description"] !== undefined || field["$ref"] !== undefined || field["const"] !== undefined;
}

function objectOf(value: Json | undefined): JsonObject {
  return value !== undefined && isJsonObject(value) ? value : {};
}
