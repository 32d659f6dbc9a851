export { assertNever } from "./assert-never.ts";
export { isJsonObject, type Json, type JsonObject } from "./json.ts";
export { LIMITS } from "./limits.ts";
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
