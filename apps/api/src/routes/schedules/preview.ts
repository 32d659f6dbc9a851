import { PreviewSchedule, SchedulePreview } from "@keelson/contracts";
import { checkCron, clockChangeWarnings, nextFireTimes } from "@keelson/dag";
import { AppError } from "@keelson/service-kit";
import { tenantRoute } from "../../http/route.ts";

export const previewSchedule = tenantRoute({
  method: "post",
  path: "/v1/schedules/preview",
  answers: { 200: SchedulePreview },
  doc: {
    operationId: "previewSchedule",
    tag: "Schedules",
    summary: "Show when a cron expression would fire",
    description:
      "Saves nothing. A cron or zone that a save would refuse is 422 `INVALID_DEFINITION`, whose `errors` have `INVALID_CRON` or `INVALID_TIMEZONE`.",
    refusals: ["INVALID_DEFINITION"],
    example: { cron: "30 2 * * *", timezone: "Europe/Berlin", count: 3 },
  },
  scope: "read",
  body: PreviewSchedule,
  async handle({ body: { cron, timezone, count, from = new Date() } }) {
    const fault = checkCron(cron, timezone);
    if (fault !== null) {
      const path = fault.code === "INVALID_CRON" ? "/cron" : "/timezone";
      throw new AppError("INVALID_DEFINITION", { detail: fault.message, errors: [{ path, ...fault }] });
    }
    const next = nextFireTimes(cron, timezone, from, count).map((time) => time.toISOString());
    const warnings = clockChangeWarnings({ cron, timezone }, from, ["cron"]);
    const preview: SchedulePreview = { cron, timezone, next, warnings };
    return { status: 200, body: preview };
  },
});
