// Every call of the API, in the order in which its contract lists them.

import type { Route } from "../http/route.ts";
import { createApiKey } from "./api-keys/create.ts";
import { listApiKeys } from "./api-keys/list.ts";
import { revokeApiKey } from "./api-keys/revoke.ts";
import { cancelExecution } from "./executions/cancel.ts";
import { listExecutions } from "./executions/list.ts";
import { getExecution } from "./executions/read.ts";
import { startExecution } from "./executions/start.ts";
import { deleteSecret } from "./secrets/delete.ts";
import { listSecrets } from "./secrets/list.ts";
import { putSecret } from "./secrets/put.ts";
import { deleteTenant, patchTenant } from "./tenants/change.ts";
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
  startExecution,
  listExecutions,
  getExecution,
  cancelExecution,
];
