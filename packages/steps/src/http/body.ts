// The bytes of a request's body: the same for the same body, whatever order its names are stored in. Pure.
import { assertNever, isJsonObject, type Json } from "@keelson/contracts";
import type { BodyType, HttpRequestInput } from "./attempt.ts";

export const CONTENT_TYPES: { readonly [type in BodyType]: string } = {
  json: "application/json",
  form: "application/x-www-form-urlencoded",
  text: "text/plain; charset=utf-8",
};

/** Null where there is no body. */
export function encodeBody(request: Pick<HttpRequestInput, "body" | "bodyType">): Buffer | null {
  if (request.body === null) return null;
  return Buffer.from(bodyText(request.body, request.bodyType).toWellFormed(), "utf8");
}

function bodyText(body: Json, type: BodyType): string {
  switch (type) {
    case "json":
      return sortedJson(body);
    case "form":
      return isJsonObject(body) ? encodePairs(body) : textOf(body);
    case "text":
      return textOf(body);
    default:
      return assertNever(type);
  }
}

/** `application/x-www-form-urlencoded`: names sorted, nulls left out, arrays repeat their name. */
export function encodePairs(pairs: { readonly [name: string]: Json | readonly Json[] }): string {
  const params = new URLSearchParams();
  for (const name of Object.keys(pairs).sort()) {
    for (const value of [pairs[name]].flat()) {
      if (value !== null && value !== undefined) params.append(name, textOf(value));
    }
  }
  return params.toString();
}

function textOf(value: Json): string {
  if (value === null) return "";
  return typeof value === "object" ? sortedJson(value) : String(value);
}

/** JSON with the names of each object in the order of their code units. */
function sortedJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${sortedJson(member)}`).join(",")}}`;
}
