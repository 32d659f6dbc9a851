export { ApiKey, ApiKeyPage, CreateApiKey, CreatedApiKey, SCOPES, Scope } from "./api/api-keys.ts";
export { AuditEntry, AuditPage } from "./api/audit.ts";
export {
  BULK_SAMPLE,
  BulkAccepted,
  BulkAction,
  type BulkActionKind,
  BulkActionListItem,
  BulkActionListQuery,
  BulkActionPage,
  BulkDryRun,
  BulkRetry,
  BulkRetryAnswer,
  CreateBulkAction,
  DEFAULT_BULK_ITEMS,
  DEFAULT_PER_SECOND,
  MAX_BULK_REFUSALS,
} from "./api/bulk-actions.ts";
export {
  DELIVERY_STATUSES,
  Delivery,
  DeliveryFilter,
  DeliveryListItem,
  DeliveryListQuery,
  DeliveryPage,
  DeliveryReason,
} from "./api/deliveries.ts";
export { EventListQuery, EventSeq, ExecutionEvent, ExecutionEventPage } from "./api/execution-events.ts";
export { ExecutionFilter, ExecutionListQuery, ExecutionPage, MAX_COUNT } from "./api/execution-list.ts";
export {
  Execution,
  ExecutionSummary,
  ExecutionTrigger,
  MAX_WAIT_SECONDS,
  StartExecution,
  StepRun,
  WaitQuery,
} from "./api/executions.ts";
export { ATTEMPT_OUTCOMES, Attempt, Explanation, StepDetail, StepReason } from "./api/execution-steps.ts";
export { Failure } from "./api/failure.ts";
export { ReplayExecution, RetryExecution } from "./api/interventions.ts";
export { DEFAULT_PAGE, MAX_PAGE, PageQuery } from "./api/lists.ts";
export { Problem, ProblemItem } from "./api/problem.ts";
export { Me } from "./api/me.ts";
export {
  AuditAnswer,
  Binds,
  Capacity,
  CapacityQuery,
  Overview,
  RateWindow,
  TenantUsage,
  TenantUsagePage,
  Violation,
  ViolationPage,
  WORKER_STATES,
  WorkerList,
  WorkerReport,
} from "./api/ops.ts";
export {
  FIRE_REASONS,
  FIRE_STATUSES,
  type FireReason,
  PreviewSchedule,
  SCHEDULE_STATUSES,
  Schedule,
  ScheduleFire,
  ScheduleFireFilter,
  ScheduleFireListQuery,
  ScheduleFirePage,
  SchedulePage,
  SchedulePreview,
} from "./api/schedules.ts";
export { PutSecret, SecretEntry, SecretPage } from "./api/secrets.ts";
export {
  MAX_STATS_BUCKETS,
  MAX_STATS_POINTS,
  STATS_BUCKETS,
  Stats,
  StatsGroup,
  StatsQuery,
  type StatsBucket,
  type StatsFigures,
  type StatsGroupName,
} from "./api/stats.ts";
export {
  CreateTenant,
  CreatedTenant,
  DEFAULT_TENANT_LIMITS,
  PatchTenant,
  Tenant,
  TenantLimits,
  TenantPage,
} from "./api/tenants.ts";
export { AnyJson, Id, TimeInput, Timestamp } from "./api/values.ts";
export { DeliveryReceipt, WebhookAccepted, WebhookChallenge } from "./api/webhooks.ts";
export {
  DefinitionIssue,
  DryRunAnswer,
  SaveQuery,
  SavedTrigger,
  ValidAnswer,
  VersionNumber,
  WORKFLOW_STATUSES,
  Workflow,
  WorkflowListItem,
  WorkflowListQuery,
  WorkflowPage,
  WorkflowRef,
  WorkflowStatus,
  WorkflowVersion,
  WorkflowVersionPage,
} from "./api/workflows.ts";
export { assertNever } from "./assert-never.ts";
export { BACKOFFS, RetryPolicy } from "./definition/retry.ts";
export { BranchName, DependencyEntry, SecretName, StepId, TriggerId, WorkflowName } from "./definition/names.ts";
export { Duration, PositiveDuration, Template } from "./definition/fields.ts";
export {
  GithubSignature,
  HmacSignature,
  NoSignature,
  SIGNATURE_SCHEMES,
  ShopifySignature,
  Signature,
  SlackSignature,
  StandardSignature,
  StripeSignature,
} from "./definition/signature.ts";
export {
  ConditionCase,
  ConditionConfig,
  DelayConfig,
  HTTP_METHODS,
  HttpConfig,
  SubworkflowConfig,
  TransformConfig,
} from "./definition/step-config.ts";
export {
  ConditionStep,
  DelayStep,
  HttpStep,
  STEP_TYPES,
  Step,
  SubworkflowStep,
  TransformStep,
  type StepType,
} from "./definition/step.ts";
export { DOCUMENT_TRIGGER_TYPES, ScheduleTrigger, Trigger, WebhookTrigger } from "./definition/trigger.ts";
export { WorkflowDefinition } from "./definition/workflow.ts";
export { DURATION_FORMS, parseDuration } from "./duration.ts";
export { FAIL_POINTS, failPoint, onFailPoint, type FailPoint } from "./fail-points.ts";
export { isJsonObject, type Json, type JsonObject } from "./json.ts";
export { LATENCY_BOUNDS_MS, latencyPercentile } from "./latency-buckets.ts";
export { jsonSchemaOf, jsonSchemasOf, type Direction, type JsonSchema } from "./json-schema.ts";
export { LIMITS } from "./limits.ts";
export { PROBLEMS, problemBody, type ProblemBody, type ProblemCode, type ProblemError } from "./problems.ts";
export {
  EXECUTION_STATUSES,
  STEP_STATUSES,
  TRIGGER_TYPES,
  isEnded,
  isStepEnded,
  type ExecutionStatus,
  type StepStatus,
  type TriggerType,
} from "./states.ts";
export { STEP_ERROR_CODES, type StepError, type StepErrorCode } from "./step-error.ts";
export { parseTraceContext, type TraceContext } from "./trace-context.ts";
export { WorkerHeartbeat } from "./worker-heartbeat.ts";
export { aliased } from "./wording/aliases.ts";
export { closest, createSuggester, suggestion } from "./wording/closest.ts";
export { issueRule, seen, unknownKeys } from "./wording/issue-rule.ts";
export { nearDuration } from "./wording/near-duration.ts";
export { remedyOf } from "./wording/remedy.ts";
export { list, show } from "./wording/show.ts";
export { withheld } from "./wording/withheld.ts";
