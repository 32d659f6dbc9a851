// From the evaluated template of an http step to the request that is frozen. Pure: nothing is resolved or sent.
import { isJsonObject, type Json, type StepError } from "@keelson/contracts";
import { BODY_TYPES, type BodyType, type HttpRequestInput } from "./attempt.ts";
import { findHeaderProblem } from "./header-rules.ts";

export type BuiltRequest =
  | { readonly kind: "built"; readonly request: HttpRequestInput }
  | { readonly kind: "failed"; readonly error: StepError };

/** CONNECT and TRACE would speak to proxies on the way rather than to the target. */
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);
const BODILESS_METHODS = new Set(["GET", "HEAD"]);

/**
 * Checks the types of `{ method?, url, headers?, query?, body?, bodyType? }` and normalises them: method in upper case
 * (GET if left out), header names in lower case, null headers and query values left out, numbers and booleans as text.
 * The URL is judged when the request is performed. Failures are EXPRESSION_FAILED, and hold no value of the document.
 */
export function buildHttpRequest(evaluated: Json): BuiltRequest {
  try {
    return { kind: "built", request: build(evaluated) };
  } catch (error) {
    if (!(error instanceof RequestProblem)) throw error;
    return { kind: "failed", error: { code: "EXPRESSION_FAILED", message: error.message } };
  }
}

class RequestProblem extends Error {
  override readonly name = "RequestProblem";
}

function build(evaluated: Json): HttpRequestInput {
  if (!isJsonObject(evaluated)) throw new RequestProblem("The request is not an object.");
  const method = readMethod(evaluated["method"] ?? "GET");
  const body = evaluated["body"] ?? null;
  if (body !== null && BODILESS_METHODS.has(method)) {
    throw new RequestProblem(`A ${method} request has no body; put what it asks for into url or query.`);
  }
  const bodyType = readBodyType(evaluated["bodyType"] ?? "json");
  if (body !== null && bodyType === "form") checkForm(body);
  return {
    method,
    url: readUrl(evaluated["url"]),
    headers: readHeaders(evaluated["headers"] ?? {}),
    query: readQuery(evaluated["query"] ?? {}),
    body,
    bodyType,
  };
}

function readMethod(value: Json): string {
  if (typeof value !== "string" || !/^[A-Za-z]{1,20}$/.test(value)) {
    throw new RequestProblem("`method` is not the name of an HTTP method.");
  }
  const method = value.toUpperCase();
  if (FORBIDDEN_METHODS.has(method)) throw new RequestProblem(`The method ${method} cannot be used.`);
  return method;
}

function readUrl(value: Json | undefined): string {
  if (typeof value !== "string" || value.trim() === "") {
    throw new RequestProblem(`\`url\` is ${nameType(value)} where text is needed.`);
  }
  return value;
}

function readHeaders(value: Json): HttpRequestInput["headers"] {
  const headers = new Map<string, string>();
  for (const [name, member] of entriesOf(value, "headers")) {
    if (member === null) continue;
    const lower = name.toLowerCase();
    if (headers.has(lower)) throw new RequestProblem(`The header ${lower} is given twice.`);
    headers.set(lower, readScalar(member, `The header ${lower}`).replace(/^[ \t]+|[ \t]+$/g, ""));
  }
  const result = Object.fromEntries(headers);
  const problem = findHeaderProblem(result);
  if (problem !== null) throw new RequestProblem(problem);
  return result;
}

function readQuery(value: Json): HttpRequestInput["query"] {
  const entries = entriesOf(value, "query").filter(([, member]) => member !== null);
  return Object.fromEntries(
    entries.map(([name, member]) => [name, readValues(member, `The query value ${JSON.stringify(name)}`)]),
  );
}

function checkForm(body: Json): void {
  if (typeof body === "string") return;
  for (const [name, member] of entriesOf(body, "body")) {
    if (member !== null) readValues(member, `The form field ${JSON.stringify(name)}`);
  }
}

/** Text, or several; nulls within an array are left out. */
function readValues(value: Json, what: string): string | string[] {
  if (!Array.isArray(value)) return readScalar(value, what);
  return value.filter((item) => item !== null).map((item: Json) => readScalar(item, what));
}

function readScalar(value: Json, what: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new RequestProblem(`${what} is ${nameType(value)} where text, a number or a boolean is needed.`);
}

function readBodyType(value: Json): BodyType {
  const bodyType = BODY_TYPES.find((type) => type === value);
  if (bodyType === undefined) throw new RequestProblem(`\`bodyType\` is none of ${BODY_TYPES.join(", ")}.`);
  return bodyType;
}

function entriesOf(value: Json, name: string): [string, Json][] {
  if (!isJsonObject(value)) throw new RequestProblem(`\`${name}\` is ${nameType(value)} where an object is needed.`);
  return Object.entries(value);
}

function nameType(value: Json | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (value === "") return "empty";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
