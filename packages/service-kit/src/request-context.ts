// What belongs to one request and is needed by those who answer or log it, kept in `res.locals`.

import type { RequestHandler, Response } from "express";
import { newId } from "./id.ts";

/** Longer or stranger ids of callers are replaced, so that they can neither forge log lines nor bloat them. */
const SANE_REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** Gives each request an id, its own `x-request-id` where that is sane, and says it in the answer. */
export function assignRequestId(): RequestHandler {
  return (req, res, next) => {
    const given = req.get("x-request-id");
    const requestId = given !== undefined && SANE_REQUEST_ID.test(given) ? given : newId();
    res.locals["requestId"] = requestId;
    res.setHeader("x-request-id", requestId);
    next();
  };
}

export function requestIdOf(res: Response): string {
  const requestId: unknown = res.locals["requestId"];
  return typeof requestId === "string" ? requestId : newId();
}

/** Adds fields (`tenant_id`, `execution_id`, …) to the one line that is logged of this request. */
export function addLogFields(res: Response, fields: Readonly<Record<string, unknown>>): void {
  res.locals["logFields"] = { ...logFieldsOf(res), ...fields };
}

export function logFieldsOf(res: Response): Readonly<Record<string, unknown>> {
  const fields: unknown = res.locals["logFields"];
  return typeof fields === "object" && fields !== null ? { ...fields } : {};
}
