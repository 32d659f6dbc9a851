export {
  EvaluationError,
  ExpressionSyntaxError,
  type EvaluationErrorCode,
  type ExpressionErrorCode,
  type ExpressionProblem,
} from "./errors.ts";
export {
  compileExpression,
  evaluateExpression,
  findTruthy,
  type CompiledExpression,
  type CompileOptions,
} from "./expression.ts";
export { DEFAULT_BUDGET, type Budget, type Scope } from "./frame.ts";
export { FUNCTIONS } from "./functions/catalogue.ts";
export type { FunctionDoc } from "./functions/define.ts";
export { isTruthy } from "./kinds.ts";
export type { Place, References } from "./references.ts";
export { compileTemplate, type CompiledTemplate } from "./template.ts";
export { evaluateTemplate, resolveSecrets, SECRET_MASK, type TemplateOptions } from "./template-evaluation.ts";
export { toText } from "./values.ts";
