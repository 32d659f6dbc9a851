import type { Express, RequestHandler } from "express";
import { AppError } from "./app-error.ts";
import { matchingRoutes } from "./matching-routes.ts";

/** Of what the caller sent, as an answer names it. */
const MAX_PATH_CHARS = 200;

/** Last of an app's handlers: 405 with `Allow` for a path that has routes of other methods, else 404. */
export function refuseUnknownRoutes(app: Express): RequestHandler {
  return (req) => {
    const allowed = new Set(matchingRoutes(app.router, req.path).flatMap((route) => route.methods));
    if (allowed.size === 0) {
      const path = JSON.stringify(req.path.slice(0, MAX_PATH_CHARS));
      throw new AppError("NOT_FOUND", { detail: `This service has no path ${path}.` });
    }
    const allow = [...allowed].sort().join(", ");
    throw new AppError("METHOD_NOT_ALLOWED", { detail: `This path takes ${allow}.`, headers: { allow } });
  };
}
