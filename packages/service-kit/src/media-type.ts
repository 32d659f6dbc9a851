/** The media type of a `content-type` header in lower case, and its charset where it has one. */
export function parseMediaType(header: string): { readonly type: string; readonly charset: string | null } {
  const [type = "", ...parameters] = header.split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/i.exec(parameter)?.[1])
    .find((value) => value !== undefined);
  return { type: type.trim().toLowerCase(), charset: charset?.toLowerCase() ?? null };
}

/** `application/json` and everything that ends in `+json`. */
export function isJsonType(type: string): boolean {
  return type === "application/json" || /^[^\s/]+\/[^\s/]+\+json$/.test(type);
}

/** Text without a charset is UTF-8 here; ASCII is part of it. */
export function isUtf8Charset(charset: string | null): boolean {
  return charset === null || charset === "utf-8" || charset === "utf8" || charset === "us-ascii";
}
