import { PageQuery, Schedule, SchedulePage } from "@keelson/contracts";
import { scheduleGet, scheduleList } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { pagingOf } from "../../http/paging.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";
import { presentSchedule } from "./present.ts";

export const listSchedules = tenantRoute({
  method: "get",
  path: "/v1/schedules",
  answers: { 200: SchedulePage },
  doc: {
    operationId: "listSchedules",
    tag: "Schedules",
    summary: "List schedules",
    refusals: [],
  },
  scope: "read",
  query: PageQuery,
  async handle(call) {
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "schedules", call.query);
    const page = await call.deps.db.withTenant(tenantId, (tx) => scheduleList(tx, tenantId, paging));
    return { status: 200, body: paging.answer(page, presentSchedule, (schedule) => schedule.id) };
  },
});

export const getSchedule = tenantRoute({
  method: "get",
  path: "/v1/schedules/:id",
  answers: { 200: Schedule },
  doc: {
    operationId: "getSchedule",
    tag: "Schedules",
    summary: "Read a schedule",
    refusals: [],
  },
  scope: "read",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const schedule = await deps.db.withTenant(tenantId, (tx) => scheduleGet(tx, tenantId, id));
    if (schedule === null) throw new AppError("NOT_FOUND");
    return { status: 200, body: presentSchedule(schedule) };
  },
});
