import { problemBody } from "@keelson/contracts";
import type { Response } from "express";
import type { AppError } from "./app-error.ts";
import { addLogFields, requestIdOf } from "./request-context.ts";

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** Answers with the refusal as problem+json, and notes its code for the request's log line. */
export function sendProblem(res: Response, error: AppError): void {
  addLogFields(res, { code: error.code });
  const body = problemBody(error.code, {
    requestId: requestIdOf(res),
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  });
  res.status(error.status).set(error.headers);
  // Set by hand: Express would add a charset, which JSON's media types do not have.
  res.setHeader("content-type", PROBLEM_MEDIA_TYPE);
  res.end(JSON.stringify(body));
}
