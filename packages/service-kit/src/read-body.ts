import express, { type RequestHandler } from "express";
import { AppError } from "./app-error.ts";
import { isJsonType, isUtf8Charset, parseMediaType } from "./media-type.ts";
import { parseStrictJson } from "./strict-json.ts";

/**
 * Reads the body byte by byte into `req.body`: a Buffer, of length 0 where there is none, whatever its content type.
 * Refuses with `PAYLOAD_TOO_LARGE` over `maxBytes`, and with `UNSUPPORTED_MEDIA_TYPE` a body with a content encoding.
 */
export function readRawBody(options: { readonly maxBytes: number }): RequestHandler {
  const read = express.raw({ type: () => true, limit: options.maxBytes, inflate: false });
  return (req, res, next) => {
    read(req, res, (error?: unknown) => {
      if (error !== undefined) return next(error);
      if (!Buffer.isBuffer(req.body)) req.body = Buffer.alloc(0);
      return next();
    });
  };
}

/**
 * Reads a JSON body into `req.body`; an empty one is undefined. Beside the refusals of `readRawBody`:
 * `UNSUPPORTED_MEDIA_TYPE` for a body of another type or charset, `MALFORMED_JSON` for what `parseStrictJson` refuses.
 */
export function readJsonBody(options: { readonly maxBytes: number }): RequestHandler {
  const read = readRawBody(options);
  return (req, res, next) =>
    read(req, res, (error?: unknown) => {
      if (error !== undefined) return next(error);
      try {
        req.body = parseBody(req.body, req.get("content-type"));
      } catch (refusal) {
        return next(refusal);
      }
      return next();
    });
}

function parseBody(body: unknown, contentType: string | undefined): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  const { type, charset } = parseMediaType(contentType ?? "");
  if (!isJsonType(type)) {
    const was =
      type === "" ? "it has no `Content-Type`" : `its \`Content-Type\` is ${JSON.stringify(type.slice(0, 100))}`;
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { detail: `Send the body as application/json; ${was}.` });
  }
  if (!isUtf8Charset(charset)) throw new AppError("UNSUPPORTED_MEDIA_TYPE", { detail: "Send the body in UTF-8." });
  const parsed = parseStrictJson(body);
  if (!parsed.ok) throw new AppError("MALFORMED_JSON", { detail: parsed.problem });
  return parsed.value;
}
