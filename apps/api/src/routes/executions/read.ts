import { Execution, WaitQuery } from "@keelson/contracts";
import { awaitExecution } from "../../executions/read-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const getExecution = tenantRoute({
  method: "get",
  path: "/v1/executions/:id",
  answers: { 200: Execution },
  doc: {
    operationId: "getExecution",
    tag: "Executions",
    summary: "Read an execution with its steps",
    description: "With `wait`, as soon as it has ended, or when the time is over, as it stands then.",
    refusals: [],
  },
  scope: "read",
  params: IdPath,
  query: WaitQuery,
  async handle(call) {
    const { params, query, caller } = call;
    return { status: 200, body: await awaitExecution(call, caller.tenant.id, params.id, query.wait ?? 0) };
  },
});
