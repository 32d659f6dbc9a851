import { Schedule } from "@keelson/contracts";
import { type TenantTx, auditWrite, scheduleGet, schedulePause, scheduleResume } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { IdPath } from "../../http/path.ts";
import { type Route, tenantRoute } from "../../http/route.ts";
import { presentSchedule } from "./present.ts";

export const pauseSchedule = switching("pause", "schedule.paused", schedulePause);
export const resumeSchedule = switching("resume", "schedule.resumed", scheduleResume);

/** Twice is the same as once. */
function switching(
  verb: "pause" | "resume",
  action: string,
  change: (tx: TenantTx, tenantId: string, id: string) => Promise<boolean>,
): Route {
  return tenantRoute({
    method: "post",
    path: `/v1/schedules/:id/${verb}`,
    answers: { 200: Schedule },
    doc: {
      operationId: `${verb}Schedule`,
      tag: "Schedules",
      summary: verb === "pause" ? "Pause a schedule" : "Resume a schedule",
      description:
        verb === "pause"
          ? "Its due times are dropped until it is resumed. Twice is the same as once."
          : "Its next due time is the first from now on. Twice is the same as once.",
      refusals: [],
    },
    scope: "write",
    params: IdPath,
    async handle({ params: { id }, caller, deps }) {
      const tenantId = caller.tenant.id;
      const schedule = await deps.db.withTenant(tenantId, async (tx) => {
        if (await change(tx, tenantId, id)) {
          await auditWrite(tx, tenantId, { actor: actorOf(caller), action, target: { type: "schedule", id } });
        }
        return scheduleGet(tx, tenantId, id);
      });
      if (schedule === null) throw new AppError("NOT_FOUND");
      return { status: 200, body: presentSchedule(schedule) };
    },
  });
}
