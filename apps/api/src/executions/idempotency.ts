import type { Json } from "@keelson/contracts";
import type { StartKey } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import type { Request } from "express";
import { canonicalHash } from "../json/canonical-json.ts";

const MAX_KEY_CHARS = 255;

/** The request's `Idempotency-Key`, or null. The same request is the same value, however its JSON is written. */
export function idempotencyOf(req: Request, body: Json): StartKey | null {
  const key = req.get("idempotency-key");
  if (key === undefined) return null;
  if (key !== "" && key.length <= MAX_KEY_CHARS) return { key, bodyHash: canonicalHash(body) };
  const message = `Idempotency-Key must have 1 to ${MAX_KEY_CHARS} characters, but has ${key.length}.`;
  throw new AppError("INVALID_REQUEST", {
    errors: [{ path: "header:Idempotency-Key", code: "INVALID_FORMAT", message }],
  });
}
