// What each step type takes in `config`. Rules between fields (exactly one of `for` and `until`, …) and those of
// expressions are checked by @keelson/dag, so that one of them never hides another.

import { z } from "zod";
import { DURATION_PATTERN } from "../duration.ts";
import { LIMITS } from "../limits.ts";
import { Expression, HeaderName, Template, TextTemplate } from "./fields.ts";
import { BranchName, WorkflowName } from "./names.ts";

export const HTTP_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
/** Most cases of one condition. */
const MAX_CASES = 256;
/** Headers that belong to the connection and are set by the client itself. */
const CONNECTION_HEADERS = new Set(
  "connection content-length expect keep-alive te trailer transfer-encoding upgrade".split(" "),
);

const RequestHeaderName = HeaderName.refine(
  (name) => !CONNECTION_HEADERS.has(name.toLowerCase()),
  "must not be a header of the connection, which is set for you",
).meta({ not: { enum: [...CONNECTION_HEADERS] } });

const SuccessStatus = z.union([z.int().min(100).max(599), z.string().regex(/^[1-5](xx|\d\d)$/)], {
  error: 'must be a status such as 200, or a class such as "2xx"',
});

export const HttpConfig = z.strictObject({
  method: z.enum(HTTP_METHODS).optional().describe("Request method. Default 'GET'."),
  url: TextTemplate.min(1, "must not be empty").meta({
    description: "Absolute http or https URL; a template.",
    examples: ["https://pay.example.com/charges/{{ input.orderId }}"],
  }),
  headers: z
    .record(RequestHeaderName, Template)
    .optional()
    .describe("Request headers by name; values are templates, one that yields null is left out. Default: none."),
  query: z
    .record(z.string().min(1, "must not be empty"), Template)
    .optional()
    .describe("Query parameters added to the URL; a value that yields null is left out, an array repeats the name."),
  body: Template.optional().describe("Request body, any JSON template. Default: no body."),
  bodyType: z.enum(["json", "form", "text"]).optional().describe("How the body is encoded. Default 'json'."),
  successStatus: z
    .array(SuccessStatus)
    .min(1)
    .max(50)
    .optional()
    .describe("Statuses that are a success: numbers, or classes such as '2xx'. Default ['2xx']."),
  response: z
    .enum(["auto", "json", "text", "base64"])
    .optional()
    .describe("How the answer's body is read; 'auto' goes by its content type. Default 'auto'."),
  followRedirects: z.boolean().optional().describe("Whether redirects are followed. Default false."),
  successIf: Expression.optional().describe(
    "Expression that may also name 'response', the output; when false the attempt fails with HTTP_REFUSED. Default: none.",
  ),
});
export type HttpConfig = z.infer<typeof HttpConfig>;

export const TransformConfig = z.strictObject({
  output: Template.describe("The step's output, any JSON template."),
});
export type TransformConfig = z.infer<typeof TransformConfig>;

export const ConditionCase = z.strictObject({
  branch: BranchName,
  if: Expression.describe("Expression; the first case whose value is truthy is taken."),
});
export type ConditionCase = z.infer<typeof ConditionCase>;

export const ConditionConfig = z
  .strictObject({
    if: Expression.optional().describe(
      "Expression that chooses between the branches 'true' and 'false'; instead of cases.",
    ),
    cases: z
      .array(ConditionCase)
      .min(1)
      .max(MAX_CASES)
      .optional()
      .describe("1 to 256 cases, tried in order; instead of if."),
    otherwise: BranchName.optional().describe(
      "Branch taken when no case holds. Default: none, the step then fails with NO_CASE.",
    ),
  })
  .meta({ oneOf: [{ required: ["if"] }, { required: ["cases"] }], dependentRequired: { otherwise: ["cases"] } });
export type ConditionConfig = z.infer<typeof ConditionConfig>;

export const DelayConfig = z
  .strictObject({
    for: z
      .union([z.string(), z.number()], { error: "must be a duration or a template of one" })
      .optional()
      .meta({
        description: "How long to wait: a duration or a template of one; instead of until.",
        examples: ["5s", "{{ input.pause }}"],
        jsonSchema: {
          anyOf: [
            { type: "string", pattern: `${DURATION_PATTERN}|\\{\\{` },
            { type: "integer", minimum: 0, maximum: LIMITS.durationMs },
          ],
        },
      }),
    until: TextTemplate.optional().describe("When to go on: RFC 3339 text or a template of a time; instead of for."),
  })
  .meta({ oneOf: [{ required: ["for"] }, { required: ["until"] }] });
export type DelayConfig = z.infer<typeof DelayConfig>;

export const SubworkflowConfig = z.strictObject({
  workflow: WorkflowName.describe("Name of the workflow to start."),
  version: z.int().min(1).optional().describe("Version to start. Default: the latest when the step starts."),
  input: Template.optional().describe("The child's input, a template. Default null."),
  wait: z
    .boolean()
    .optional()
    .describe("Whether the step waits for the child's end and yields its output. Default true."),
});
export type SubworkflowConfig = z.infer<typeof SubworkflowConfig>;
