// GET /receipts/:token: what has become of a delivery, for whoever was given its `statusUrl`.
//  P1. It tells what `DeliveryReceipt` has, and never a name, a value, an error or how an execution ended.
//  P2. What is asked with a forged token costs a count and an HMAC, and nothing of PostgreSQL.

import type { DeliveryReceipt } from "@keelson/contracts";
import type { DeliveryState } from "@keelson/db";
import { AppError, addLogFields } from "@keelson/service-kit";
import { type RequestHandler, Router } from "express";
import { rateLimited } from "../delivery/refusal.ts";
import type { RateLimit } from "../limits/rate-limit.ts";
import { clientOf } from "./client-address.ts";
import type { ReceiptTokens } from "./receipt-token.ts";

export interface ReceiptDeps {
  readonly tokens: ReceiptTokens;
  /** Null: no longer kept. */
  readonly find: (tenantId: string, deliveryId: string) => Promise<DeliveryState | null>;
  readonly rate: RateLimit;
}

/** Of one client, right and wrong ones together. */
const ASKED_PER_MINUTE = 600;

export function receiptRoutes(deps: ReceiptDeps): Router {
  const router = Router({ strict: true, caseSensitive: true });
  router.get("/receipts/:token", answerReceipt(deps));
  return router;
}

function answerReceipt({ tokens, find, rate }: ReceiptDeps): RequestHandler {
  return async (req, res) => {
    res.setHeader("cache-control", "no-store");
    const afterMs = rate.take(`receipt ${clientOf(req.socket.remoteAddress)}`, ASKED_PER_MINUTE);
    if (afterMs !== null) throw rateLimited(afterMs);
    const { token } = req.params;
    const read = tokens.read(typeof token === "string" ? token : "");
    if (read.kind === "forged") throw new AppError("NOT_FOUND", { detail: "There is no receipt under this address." });
    if (read.kind === "expired") throw new AppError("RECEIPT_GONE", { detail: "A receipt can be read for 24 hours." });
    const { tenantId, deliveryId } = read;
    addLogFields(res, { tenant_id: tenantId, delivery_id: deliveryId });
    const state = await find(tenantId, deliveryId);
    if (state === null) throw new AppError("RECEIPT_GONE", { detail: "The delivery is no longer kept." });
    const receipt: DeliveryReceipt = {
      deliveryId,
      status: state.status,
      execution: state.ended ? "ended" : "running",
    };
    res.json(receipt);
  };
}
