// Every call of the API, in the order in which its contract lists them.

import type { Route } from "../http/route.ts";
import { listAudit } from "./audit/list.ts";
import { cancelBulkAction } from "./bulk-actions/cancel.ts";
import { postBulkAction } from "./bulk-actions/create.ts";
import { getBulkAction, listBulkActions } from "./bulk-actions/read.ts";
import { postRedeliver } from "./deliveries/redeliver.ts";
import { getDelivery, listDeliveries } from "./deliveries/read.ts";
import { postBulkRetry } from "./executions/bulk-retry.ts";
import { listEvents } from "./executions/events.ts";
import { explainExecution } from "./executions/explain.ts";
import { postReplay } from "./executions/replay.ts";
import { postRetry } from "./executions/retry.ts";
import { getStep } from "./executions/step.ts";
import { wakeStep } from "./executions/wake.ts";
import { getMe } from "./me/get.ts";
import { listFires } from "./schedules/fires.ts";
import { pauseSchedule, resumeSchedule } from "./schedules/pause.ts";
import { previewSchedule } from "./schedules/preview.ts";
import { getSchedule, listSchedules } from "./schedules/read.ts";
import { runSchedule } from "./schedules/run.ts";
import { pauseWorkflow, resumeWorkflow } from "./workflows/pause.ts";
import { createApiKey } from "./api-keys/create.ts";
import { listApiKeys } from "./api-keys/list.ts";
import { revokeApiKey } from "./api-keys/revoke.ts";
import { postCancel } from "./executions/cancel.ts";
import { listExecutions } from "./executions/list.ts";
import { getExecution } from "./executions/read.ts";
import { startExecution } from "./executions/start.ts";
import { deleteSecret } from "./secrets/delete.ts";
import { listSecrets } from "./secrets/list.ts";
import { putSecret } from "./secrets/put.ts";
import { getStats } from "./stats/get.ts";
import { deleteTenant, patchTenant } from "./tenants/change.ts";
import { getCapacity } from "./ops/capacity.ts";
import { getOverview } from "./ops/overview.ts";
import { listTenantUsage } from "./ops/tenants.ts";
import { auditInvariants, listViolations, readAudit } from "./ops/violations.ts";
import { listWorkers } from "./ops/workers.ts";
import { createTenantApiKey } from "./tenants/create-api-key.ts";
import { createTenant } from "./tenants/create.ts";
import { getTenant, listTenants } from "./tenants/read.ts";
import { archiveWorkflow } from "./workflows/archive.ts";
import { createWorkflow } from "./workflows/create.ts";
import { putWorkflow } from "./workflows/put.ts";
import { getWorkflow, listWorkflows } from "./workflows/read.ts";
import { validateWorkflow } from "./workflows/validate.ts";
import { getVersion, listVersions } from "./workflows/versions.ts";

export const ROUTES: readonly Route[] = [
  createTenant,
  listTenants,
  getTenant,
  patchTenant,
  deleteTenant,
  createApiKey,
  listApiKeys,
  revokeApiKey,
  putSecret,
  listSecrets,
  deleteSecret,
  createWorkflow,
  validateWorkflow,
  putWorkflow,
  listWorkflows,
  getWorkflow,
  listVersions,
  getVersion,
  archiveWorkflow,
  pauseWorkflow,
  resumeWorkflow,
  startExecution,
  listExecutions,
  getExecution,
  listEvents,
  postCancel,
  // Before the call whose path has an id there.
  postBulkRetry,
  postRetry,
  postReplay,
  explainExecution,
  getStep,
  wakeStep,
  postBulkAction,
  listBulkActions,
  getBulkAction,
  cancelBulkAction,
  listSchedules,
  getSchedule,
  listFires,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
  previewSchedule,
  listDeliveries,
  getDelivery,
  postRedeliver,
  listAudit,
  getStats,
  getMe,
  getOverview,
  getCapacity,
  listWorkers,
  listTenantUsage,
  listViolations,
  auditInvariants,
  readAudit,
  createTenantApiKey,
];
