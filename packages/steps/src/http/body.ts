// The bytes of a request's body: names in the document's order, as json(x) shows them, so that a signature over one fits
// the other. Storage keeps that order (payloads are json, not jsonb), so a retry sends the same bytes. Pure.
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
      return JSON.stringify(body);
    case "form":
      return isJsonObject(body) ? encodePairs(body) : textOf(body);
    case "text":
      return textOf(body);
    default:
      return assertNever(type);
  }
}

/** `application/x-www-form-urlencoded`: nulls are left out, arrays repeat their name. */
export function encodePairs(pairs: { readonly [name: string]: Json | readonly Json[] }): string {
  const params = new URLSearchParams();
  for (const [name, values] of Object.entries(pairs)) {
    for (const value of [values].flat()) {
      if (value !== null && value !== undefined) params.append(name, textOf(value));
    }
  }
  return params.toString();
}

function textOf(value: Json): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
