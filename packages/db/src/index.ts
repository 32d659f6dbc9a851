// PostgreSQL, the truth: schema and roles (migrations/), the hot path's hand-written SQL, and Prisma for settings.
export {
  bulkActionPutOff,
  bulkActionTurns,
  bulkActionsOpen,
  bulkItemsRecord,
  bulkItemsTake,
  type BulkActionRef,
  type BulkItem,
  type BulkOutcome,
  type BulkTurns,
} from "./bulk-turns.ts";
export { auditAll, type WholeAudit, type WholeAuditOptions } from "./audit/audit-all.ts";
export { auditOnce, type Audit, type AuditOptions } from "./audit/audit.ts";
export { CHECKS, type CheckCode } from "./audit/checks.ts";
export type { Violation } from "./audit/confirm.ts";
export { violationsKeep, violationsList, type SeenViolation } from "./audit/findings.ts";
export { WALLS, type Wall, type WallCode } from "./audit/walls.ts";
export { isBadData, isTransient } from "./connection-errors.ts";
export {
  openDatabase,
  type Database,
  type DatabaseOptions,
  type HotQuery,
  type SystemCalls,
  type TenantTx,
} from "./database.ts";
export { createDefinitionStore, type CachedDefinitionStore } from "./definition-store.ts";
export { executionClaim, executionRead } from "./execution-claim.ts";
export { executionCommit, executionCommitOutcome } from "./execution-commit.ts";
export { createExecutionStore } from "./execution-store.ts";
export { executionNotify, executionRetry, workflowPause, workflowResume, type Reopening } from "./interventions.ts";
export { createLeaseStore, WORKER_LOCK_CLASS, type LeaseStoreOptions, type PgLeaseStore } from "./lease-store.ts";
export {
  apiKeyFind,
  apiKeyTouch,
  apiKeysFind,
  hashApiKey,
  hookFind,
  tenantsList,
  type FoundApiKey,
  type FoundHook,
  type TenantLimits,
  type TenantRow,
} from "./look-ups.ts";
export { createLogins, ensureLogins, type Login, loginName, type LoginUrls } from "./migrate/logins.ts";
export { migrateDatabase, readMigrations, type Migration } from "./migrate/migrate.ts";
export { GROUP_ROLES } from "./migrate/roles.ts";
export { deliveryReceipt, type DeliveryState } from "./receipts.ts";
export {
  backlogRead,
  COUNT_CAP,
  minutesRead,
  TENANT_COUNT_CAP,
  tenantsFull,
  usageRead,
  workersRead,
  type Backlog,
  type MinuteRow,
  type UsageRow,
  type WorkerRow,
} from "./operations.ts";
export { retireOnce, type Retired } from "./retention.ts";
export { foldCountsOnce, retireCountsOnce } from "./roll-ups.ts";
export {
  createScheduleStore,
  type DueSchedule,
  type Fire,
  type ScheduleStore,
  type SettledFire,
} from "./schedule-store.ts";
export {
  type MissingKey,
  missingMasterKeys,
  type SealedUnderKey,
  secretsByKey,
  tellMissingMasterKeys,
} from "./master-keys.ts";
export { type Rewrapped, rewrapSecrets } from "./rewrap-secrets.ts";
export {
  createSecretBox,
  type MasterKey,
  type MasterKeys,
  type SealedSecret,
  type SecretBox,
  UnknownMasterKeyError,
} from "./secret-box.ts";
export { createSecretReader, type SecretReader } from "./secret-store.ts";
export { createSigningSecretReader, type SigningSecret, type SigningSecretReader } from "./signing-secrets.ts";
export {
  createDeliveryAcceptor,
  deliveryAccept,
  deliveryReject,
  type DeliveryRecord,
  type DeliveryRequest,
  type DeliveryVerdict,
} from "./deliveries.ts";
export { executionStart, scheduleRun, type ExecutionStart, type StartKey, type StartVerdict } from "./starts.ts";
export { createSweepStore } from "./sweep-store.ts";

// What people set and read, by entity: each takes the tenant's transaction.
export {
  apiKeyCreate,
  apiKeyList,
  apiKeyRevoke,
  type ApiKeyRecord,
  type NewApiKeyRecord,
} from "./entities/api-keys.ts";
export { auditList, auditWrite, type Actor, type AuditRecord, type AuditRow } from "./entities/audit.ts";
export {
  bulkActionCancel,
  bulkActionGet,
  bulkActionInsert,
  bulkActionList,
  bulkDeliveryTargets,
  bulkExecutionTargets,
  bulkRefusals,
  deliveryHeads,
  executionHeads,
  type BulkActionRow,
  type BulkRefusal,
  type BulkTargets,
} from "./entities/bulk-actions.ts";
export { deliveryGet, deliveryList, type DeliveryHead, type DeliveryRow } from "./entities/deliveries.ts";
export {
  executionEvents,
  executionsProgress,
  type EventRow,
  type ExecutionProgress,
} from "./entities/execution-events.ts";
export { inTransaction } from "./entities/in-transaction.ts";
export { executionTellChildEnded, type ChildNews } from "./entities/tell-child-ended.ts";
export { attemptList, type AttemptRow } from "./entities/execution-steps.ts";
export { executionCount, executionList, versionStepCounts } from "./entities/execution-list.ts";
export {
  executionGet,
  idempotencyKeyFind,
  type ExecutionHead,
  type ExecutionRow,
  type StepRunRow,
  type UsedKey,
} from "./entities/executions.ts";
export type { Page } from "./entities/page.ts";
export { scheduleFireList, type ScheduleFireRow } from "./entities/schedule-fires.ts";
export { scheduleGet, scheduleList, schedulePause, scheduleResume, type ScheduleRow } from "./entities/schedules.ts";
export { secretDelete, secretList, secretPut, type SecretHead } from "./entities/secrets.ts";
export {
  statsBuckets,
  statsTotals,
  workflowNames,
  type StatsFilter,
  type StatsKey,
  type StatsTally,
} from "./entities/stats.ts";
export {
  tenantCreate,
  tenantDelete,
  tenantGet,
  tenantList,
  tenantSetLimits,
  type TenantRecord,
} from "./entities/tenants.ts";
export {
  workflowAddVersion,
  workflowArchive,
  workflowInsert,
  workflowLock,
  type LockedWorkflow,
  type NewVersion,
} from "./entities/workflow-save.ts";
export {
  workflowDefinitionByName,
  workflowGet,
  workflowIdOf,
  workflowList,
  workflowStartTarget,
  workflowVersionGet,
  workflowVersionList,
  type StartTarget,
  type WorkflowHead,
  type WorkflowKey,
  type WorkflowRow,
  type WorkflowVersionRow,
} from "./entities/workflows.ts";
export { isUniqueViolation } from "./unique-violation.ts";
