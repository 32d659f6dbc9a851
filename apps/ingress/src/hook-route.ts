// POST /hooks/:hookId over HTTP: bytes in, receipt or refusal out.

import { LIMITS, type WebhookAccepted, type WebhookChallenge } from "@keelson/contracts";
import { AppError, addLogFields, readRawBody, toAppError, traceOf } from "@keelson/service-kit";
import { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from "express";
import type { HookRequest } from "./hook-request.ts";
import type { Observer } from "./observe.ts";
import type { DeliveryRef } from "./receipts/receipt-token.ts";
import type { Receipt, Receive } from "./receive.ts";

export interface HookRouteDeps {
  readonly receive: Receive;
  readonly observer: Observer;
  /** Where its sender may ask what has become of a delivery. */
  readonly statusUrl: (delivery: DeliveryRef) => string;
}

const PATH = "/hooks/:hookId";

/** Strict: neither another case nor a slash at the end is the same path. */
export function hookRoutes(deps: HookRouteDeps): Router {
  const router = Router({ strict: true, caseSensitive: true });
  router.post(PATH, readRawBody({ maxBytes: LIMITS.webhookBodyBytes }), receiveHook(deps));
  router.all(PATH, () => {
    throw new AppError("METHOD_NOT_ALLOWED", { detail: "This path takes POST.", headers: { allow: "POST" } });
  });
  router.use(countRefusals(deps.observer));
  return router;
}

function receiveHook({ receive, observer, statusUrl }: HookRouteDeps): RequestHandler {
  return async (req, res) => {
    const begunAtMs = performance.now();
    const receipt = await receive(requestOf(req, res), (fields) => addLogFields(res, fields));
    answer(res, receipt, statusUrl);
    observer.answered(receipt.kind, performance.now() - begunAtMs);
  };
}

function answer(res: Response, receipt: Receipt, statusUrl: HookRouteDeps["statusUrl"]): void {
  addLogFields(res, { verdict: receipt.kind });
  if (receipt.kind === "challenged") {
    const challenge: WebhookChallenge = { challenge: receipt.challenge };
    res.json(challenge);
    return;
  }
  const { deliveryId, executionId } = receipt;
  addLogFields(res, { delivery_id: deliveryId, execution_id: executionId });
  const accepted: WebhookAccepted = {
    deliveryId,
    executionId,
    duplicate: receipt.kind === "duplicate",
    statusUrl: statusUrl(receipt),
  };
  res.status(202).json(accepted);
}

function requestOf(req: Request, res: Response): HookRequest {
  const { hookId } = req.params;
  const searchAt = req.originalUrl.indexOf("?");
  return {
    hookId: typeof hookId === "string" ? hookId : "",
    headers: req.headersDistinct,
    contentType: req.headers["content-type"],
    search: searchAt < 0 ? "" : req.originalUrl.slice(searchAt + 1),
    rawBody: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0),
    trace: traceOf(res),
  };
}

function countRefusals(observer: Observer): ErrorRequestHandler {
  return (error: unknown, _req, _res, next) => {
    observer.refused(toAppError(error).code);
    next(error);
  };
}
