import { Delivery } from "@keelson/contracts";
import { auditWrite, deliveryGet } from "@keelson/db";
import { AppError, traceOf } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { redeliver } from "../../deliveries/redeliver.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";
import { presentDelivery } from "./present.ts";

/** Starts an execution of the latest version from the stored bytes, without the checks of signature and repeat. */
export const postRedeliver = tenantRoute({
  method: "post",
  path: "/v1/deliveries/:id/redeliver",
  answers: { 202: Delivery },
  doc: {
    operationId: "redeliver",
    tag: "Deliveries",
    summary: "Deliver again what has arrived",
    description:
      "A new execution of the latest version from the stored bytes, without the checks of signature and repeat. Answers the new delivery, whose `redeliveryOf` is this one.",
    refusals: ["MALFORMED_BODY", "WORKFLOW_ARCHIVED", "TRIGGER_GONE", "INPUT_INVALID", "TOO_MANY_UNFINISHED"],
  },
  scope: "trigger",
  params: IdPath,
  async handle({ params: { id }, caller, res, deps }) {
    const tenantId = caller.tenant.id;
    const started = await redeliver(deps, { ...caller, trace: traceOf(res) }, id);
    const delivery = await deps.db.withTenant(tenantId, async (tx) => {
      const target = { type: "delivery", id };
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: "delivery.redelivered",
        target,
        details: started,
      });
      return deliveryGet(tx, tenantId, started.deliveryId);
    });
    if (delivery === null) throw new AppError("NOT_FOUND");
    return { status: 202, body: presentDelivery(delivery) };
  },
});
