// Values of environment variables as zod schemas: text in, the parsed value out. Defaults are given as text, by `.prefault("15s")`.

import { isIP } from "node:net";
import { DURATION_FORMS, parseDuration } from "@keelson/contracts";
import { z } from "zod";
import { LOG_LEVELS } from "./logger.ts";

/** Whole number from `min` to `max`. */
export function envInteger(min: number, max: number): z.ZodType<number, string> {
  const message = `expected a whole number from ${min} to ${max}`;
  return z.string().transform((text, context) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    return refuse(context, message);
  });
}

/** TCP port; 0 for any free one. */
export function envPort(): z.ZodType<number, string> {
  return envInteger(0, 65_535);
}

/** A duration such as `15s`, in ms. */
export function envDurationMs(
  range: { readonly minMs?: number; readonly maxMs?: number } = {},
): z.ZodType<number, string> {
  const { minMs = 0, maxMs = Number.POSITIVE_INFINITY } = range;
  return z.string().transform((text, context) => {
    const ms = parseDuration(/^\d+$/.test(text) ? Number(text) : text);
    if (ms === null) return refuse(context, `expected a duration: ${DURATION_FORMS}`);
    if (ms < minMs || ms > maxMs) return refuse(context, `expected a duration from ${minMs} ms to ${maxMs} ms`);
    return ms;
  });
}

/** Comma-separated CIDRs such as `127.0.0.1/32,::1/128`; none for an unset variable with `.prefault("")`. */
export function envCidrList(): z.ZodType<readonly string[], string> {
  return z.string().transform((text, context) => {
    const cidrs = text
      .split(",")
      .map((cidr) => cidr.trim())
      .filter((cidr) => cidr !== "");
    if (cidrs.every(isCidr)) return cidrs;
    return refuse(context, "expected CIDRs parted by commas, such as 127.0.0.1/32,::1/128");
  });
}

/** An absolute URL of one of the schemes, such as `["postgres", "postgresql"]`; kept as text. */
export function envUrl(schemes: readonly string[]): z.ZodType<string, string> {
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url !== null && schemes.includes(url.protocol.slice(0, -1))) return text;
    return refuse(context, `expected a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`);
  });
}

export function envLogLevel(): z.ZodType<(typeof LOG_LEVELS)[number], string> {
  return z.enum(LOG_LEVELS, { error: `expected one of ${LOG_LEVELS.join(", ")}` });
}

function isCidr(text: string): boolean {
  const [address = "", bits = "", ...rest] = text.split("/");
  const version = isIP(address);
  return rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
