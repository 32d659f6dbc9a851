export {
  compileWorkflow,
  type CompiledCondition,
  type CompiledDelay,
  type CompiledHttp,
  type CompiledStep,
  type CompiledSubworkflow,
  type CompiledTransform,
  type CompiledWorkflow,
} from "./compile.ts";
export { clockChangeWarnings, type ZonedCron } from "./clock-changes.ts";
export { checkCron, nextFireTimes, previousFireTimes, type CronProblem } from "./cron.ts";
export { dueTimesUntil, type DueRange, type DueTimes } from "./due-times.ts";
export type { Entry, Graph, GraphStep } from "./graph.ts";
export {
  compileInputSchema,
  InputSchemaError,
  type InputCheck,
  type InputProblem,
} from "./input-schema/input-schema.ts";
export { parseDefinition, type ParsedDefinition } from "./parse.ts";
export { PROBLEM_CODES, type DefinitionProblem, type ProblemCode } from "./problem.ts";
export type { ResolvedRetry } from "./retry.ts";
export { checkSubworkflows, type WorkflowLookup } from "./subworkflows.ts";
export { definitionWarnings } from "./warnings.ts";
