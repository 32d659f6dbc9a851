import { type Refused, refuse } from "./refusal.ts";

/** Headers as node:http gives them; names in any case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The header's one value. An absent or empty one, and one sent more than once, is a refusal. */
export function requireHeader(
  headers: RequestHeaders,
  name: string,
): { readonly ok: true; readonly value: string } | Refused {
  const values = headerValues(headers, name);
  if (values.length > 1) return repeatedHeader(name);
  const value = values[0];
  if (value === undefined || value === "") {
    return refuse(
      "HEADER_MISSING",
      `The request has no "${name}" header, or an empty one.`,
      `Check that the producer signs its requests with the scheme of this trigger, and that no proxy removes "${name}".`,
    );
  }
  return { ok: true, value };
}

export function repeatedHeader(name: string): Refused {
  return refuse(
    "HEADER_REPEATED",
    `The request has more than one "${name}" header.`,
    "Send the header once; a proxy in between may add a second one.",
  );
}

/** The header's value, or null where it is absent, empty or sent more than once. */
export function optionalHeader(headers: RequestHeaders, name: string): string | null {
  const values = headerValues(headers, name);
  return values.length === 1 && values[0] !== undefined && values[0] !== "" ? values[0] : null;
}

function headerValues(headers: RequestHeaders, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (const [key, value] of Object.entries(headers)) {
    if (value === undefined || key.toLowerCase() !== wanted) continue;
    if (typeof value === "string") values.push(value);
    else values.push(...value);
  }
  return values;
}
