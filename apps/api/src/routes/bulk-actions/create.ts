import { BulkAccepted, BulkDryRun, CreateBulkAction } from "@keelson/contracts";
import { createBulkAction } from "../../bulk-actions/create-bulk-action.ts";
import { tryBulkAction } from "../../bulk-actions/try-bulk-action.ts";
import { tenantRoute } from "../../http/route.ts";

/** Ten thousand ids. */
const MAX_BODY_BYTES = 512 * 1024;

export const postBulkAction = tenantRoute({
  method: "post",
  path: "/v1/bulk-actions",
  answers: { 200: BulkDryRun, 202: BulkAccepted },
  doc: {
    operationId: "createBulkAction",
    tag: "Bulk actions",
    summary: "Retry, cancel, replay or redeliver many",
    description:
      "What matches now is hit, and nothing that is created later. Each one is treated as its single call treats it; what that would refuse is counted as `refused`, with its code. A dry run answers 200 and changes nothing.",
    refusals: [],
    example: { action: "retry", filter: { workflow: ["order-fulfilment"], errorCode: ["HTTP_STATUS"] }, perSecond: 10 },
    answerHeaders: { 202: ["Location"] },
  },
  scope: "trigger",
  body: CreateBulkAction,
  maxBodyBytes: MAX_BODY_BYTES,
  async handle({ body, caller, deps }) {
    if (body.dryRun === true) return { status: 200, body: await tryBulkAction(deps, caller.tenant.id, body) };
    const accepted = await createBulkAction(deps, caller, body);
    return { status: 202, body: accepted, headers: { location: `/v1/bulk-actions/${accepted.id}` } };
  },
});
