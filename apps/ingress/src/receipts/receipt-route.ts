// GET /receipts/:token: what has become of a delivery, for whoever was given its `statusUrl`.
//  P1. It tells what `DeliveryReceipt` has, and never a name, a value, an error or how an execution ended.
//  P2. What is asked with a forged token costs a count and an HMAC, and nothing of PostgreSQL.
//  P3. Behind one proxy all are one client: genuine tokens are counted by tenant as well, so that neither made-up ones nor
//      another tenant's producers use up what it may ask.

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

/** Of one client and tenant; and of one client whose tokens name none. */
const ASKED_PER_MINUTE = 600;

export function receiptRoutes(deps: ReceiptDeps): Router {
  const router = Router({ strict: true, caseSensitive: true });
  router.get("/receipts/:token", answerReceipt(deps));
  return router;
}

function answerReceipt({ tokens, find, rate }: ReceiptDeps): RequestHandler {
  return async (req, res) => {
    res.setHeader("cache-control", "no-store");
    const { token } = req.params;
    const read = tokens.read(typeof token === "string" ? token : "");
    const whose = read.kind === "valid" ? read.tenantId : "nobody";
    const afterMs = rate.take(`receipt ${whose} ${clientOf(req.socket.remoteAddress)}`, ASKED_PER_MINUTE);
    if (afterMs !== null) throw rateLimited(afterMs);
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
