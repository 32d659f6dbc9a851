// The OpenAPI document as a judge: which operation a request is, and whether an answer is one that it declares.

import { isJsonObject, type Json, type JsonObject } from "@keelson/contracts";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { createDocument } from "../../src/openapi/document.ts";
import { ROUTES } from "../../src/routes/all.ts";

export interface Operation {
  readonly operationId: string;
  readonly method: string;
  /** As the document has it: `/v1/workflows/{ref}`. */
  readonly path: string;
  readonly spec: JsonObject;
}

export const DOCUMENT = createDocument(ROUTES, { version: "0.0.0", ingressUrl: "http://hooks.example.test" });

const METHODS = ["get", "put", "post", "delete", "patch"];
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true, validateSchema: false });
ajv.addSchema(DOCUMENT, "document");
const compiled = new Map<string, ValidateFunction>();

/** Of the api, in the document's order. */
export const OPERATIONS: readonly Operation[] = Object.entries(objectAt(DOCUMENT, ["paths"])).flatMap(([path, item]) =>
  isJsonObject(item) && item["servers"] === undefined
    ? METHODS.flatMap((method) => {
        const spec = item[method];
        const operationId = isJsonObject(spec) ? spec["operationId"] : undefined;
        return isJsonObject(spec) && typeof operationId === "string" ? [{ operationId, method, path, spec }] : [];
      })
    : [],
);

/** Paths without parameters come first, as they are served. */
const MATCHERS = OPERATIONS.map((operation) => ({
  operation,
  pattern: new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
})).sort((a, b) => Number(a.operation.path.includes("{")) - Number(b.operation.path.includes("{")));

/** Which codes, and which statuses of success, each operation has answered in this process. */
export const SEEN = new Map<string, Set<string>>();

export function operationAt(method: string, path: string): Operation | null {
  const [pathname = ""] = path.split("?");
  return (
    MATCHERS.find(({ operation, pattern }) => operation.method === method && pattern.test(pathname))?.operation ?? null
  );
}

export interface SeenAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
  readonly text?: string | undefined;
  readonly type: string;
}

/** What is wrong with the answer, in sentences; nothing where it is as the document says. */
export function faultsOf(operation: Operation, answer: SeenAnswer): string[] {
  const { status, type } = answer;
  const name = `${operation.operationId} ${status}`;
  const seen = SEEN.get(operation.operationId) ?? new Set();
  SEEN.set(operation.operationId, seen.add(status < 400 ? String(status) : codeOf(answer.body)));
  const declared = objectAt(operation.spec, ["responses"])[String(status)];
  if (!isJsonObject(declared)) return [`${name} is not declared: ${answer.text ?? ""}`];
  const pointer = refOf(declared) ?? ["paths", operation.path, operation.method, "responses", String(status)];
  const response = objectAt(DOCUMENT, pointer);
  const headers = headerFaults(response, answer).map((fault) => `${name}: ${fault}`);
  const { content } = response;
  if (!isJsonObject(content)) {
    return (answer.text ?? "") === "" ? headers : [...headers, `${name} has a body, though none is declared`];
  }
  if (!isJsonObject(content[type])) return [...headers, `${name} is of the type ${type}, which is not declared`];
  if (type === "text/event-stream") return headers;
  return [
    ...headers,
    ...schemaFaults([...pointer, "content", type, "schema"], answer.body).map((f) => `${name}: ${f}`),
  ];
}

function headerFaults(response: JsonObject, answer: SeenAnswer): string[] {
  return Object.entries(objectAt(response, ["headers"])).flatMap(([name, declared]) => {
    const pointer = isJsonObject(declared) ? refOf(declared) : null;
    if (pointer === null) return [`the header ${name} is no component`];
    const header = objectAt(DOCUMENT, pointer);
    const value = answer.headers[name.toLowerCase()];
    if (value === undefined) return header["required"] === true ? [`the header ${name} is missing`] : [];
    const isNumber = objectAt(header, ["schema"])["type"] === "integer";
    return schemaFaults([...pointer, "schema"], isNumber ? Number(value) : value).map((fault) => `${name} ${fault}`);
  });
}

/** What is wrong with a value, by the schema at this place of the document. */
export function schemaFaults(pointer: readonly string[], value: unknown): string[] {
  const ref = `document#/${pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
  const validate = compiled.get(ref) ?? ajv.compile({ $ref: ref });
  compiled.set(ref, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message ?? ""} ${JSON.stringify(params)}`,
  );
}

function codeOf(body: unknown): string {
  return typeof body === "object" && body !== null && "code" in body ? String(body.code) : "";
}

function refOf(value: JsonObject): string[] | null {
  const ref = value["$ref"];
  return typeof ref === "string" ? ref.slice(2).split("/") : null;
}

export function objectAt(value: Json, pointer: readonly string[]): JsonObject {
  let at: Json | undefined = value;
  for (const part of pointer) at = isJsonObject(at) ? at[part] : undefined;
  return isJsonObject(at) ? at : {};
}
