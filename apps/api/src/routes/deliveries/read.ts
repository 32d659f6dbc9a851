import { Delivery, DeliveryListQuery, DeliveryPage } from "@keelson/contracts";
import { deliveryGet, deliveryList } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { pagingOf } from "../../http/paging.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";
import { presentDelivery, presentDeliveryItem } from "./present.ts";

export const listDeliveries = tenantRoute({
  method: "get",
  path: "/v1/deliveries",
  answers: { 200: DeliveryPage },
  doc: {
    operationId: "listDeliveries",
    tag: "Deliveries",
    summary: "List deliveries",
    refusals: [],
  },
  scope: "read",
  query: DeliveryListQuery,
  async handle(call) {
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "deliveries", call.query);
    const { limit: _limit, cursor: _cursor, ...filter } = call.query;
    const page = await call.deps.db.withTenant(tenantId, (tx) => deliveryList(tx, tenantId, filter, paging));
    return { status: 200, body: paging.answer(page, presentDeliveryItem, (delivery) => delivery.id) };
  },
});

export const getDelivery = tenantRoute({
  method: "get",
  path: "/v1/deliveries/:id",
  answers: { 200: Delivery },
  doc: {
    operationId: "getDelivery",
    tag: "Deliveries",
    summary: "Read a delivery with its headers and body",
    refusals: [],
  },
  scope: "read",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const delivery = await deps.db.withTenant(tenantId, (tx) => deliveryGet(tx, tenantId, id));
    if (delivery === null) throw new AppError("NOT_FOUND");
    return { status: 200, body: presentDelivery(delivery) };
  },
});
