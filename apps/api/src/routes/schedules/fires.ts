import { type FireReason, ScheduleFireListQuery, ScheduleFirePage, type ScheduleFire } from "@keelson/contracts";
import { type ScheduleFireRow, scheduleFireList, scheduleGet } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { pagingOf } from "../../http/paging.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const listFires = tenantRoute({
  method: "get",
  path: "/v1/schedules/:id/fires",
  answers: { 200: ScheduleFirePage },
  doc: {
    operationId: "listScheduleFires",
    tag: "Schedules",
    summary: "List what became of a schedule's due times",
    description:
      "Latest due time first: at the head the next one (`due`), then those that are settled, skipped and missed ones too. Of due times that came to nothing many may share an entry (`until`, `count`): those of a long outage before its last hundred, and those of a pause of the schedule.",
    refusals: [],
  },
  scope: "read",
  params: IdPath,
  query: ScheduleFireListQuery,
  async handle(call) {
    const { id } = call.params;
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, `fires ${id}`, call.query);
    const { limit: _limit, cursor: _cursor, ...filter } = call.query;
    const page = await call.deps.db.withTenant(tenantId, async (tx) => {
      if ((await scheduleGet(tx, tenantId, id)) === null) throw new AppError("NOT_FOUND");
      return scheduleFireList(tx, { tenantId, id }, filter, paging);
    });
    return { status: 200, body: paging.answer(page, presentFire, (fire) => fire.position) };
  },
});

function presentFire(fire: ScheduleFireRow): ScheduleFire {
  const { dueAt, untilAt, count, settledAt, status, reason, executionId } = fire;
  return {
    scheduledAt: dueAt.toISOString(),
    until: untilAt?.toISOString() ?? null,
    count,
    firedAt: status === "fired" ? (settledAt?.toISOString() ?? null) : null,
    status,
    reason: reason === null ? null : { code: reason, text: TEXTS[reason] },
    executionId,
  };
}

const TEXTS: Readonly<Record<FireReason, string>> = {
  CAUGHT_UP: "It was first seen more than 10 s late, and caught up with, as the schedule's `missed` says.",
  RUN_NOW: "It was run by hand.",
  OVERLAP: "An earlier execution of the schedule had not ended, and its `overlap` is `skip`.",
  MISSED: "It was first seen more than 10 s late, and the schedule's `missed` lets it go.",
  WORKFLOW_PAUSED: "The workflow was paused, and an execution of the schedule was waiting for its resumption already.",
  SCHEDULE_PAUSED: "The schedule was paused.",
};
