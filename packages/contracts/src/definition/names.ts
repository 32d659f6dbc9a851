// How the parts of a workflow document may be named. A message says the rule alone; the place and the value are added
// by whoever reports it.

import { z } from "zod";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const WorkflowName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    "must be 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen",
  )
  .refine((name) => !UUID.test(name), "must not look like a UUID, since workflows are also addressed by id")
  .meta({
    description:
      "Name of a workflow, unique in the tenant: 1 to 63 of a-z, 0-9 and '-', not beginning with '-', not a UUID.",
    examples: ["order-fulfilment"],
    not: { pattern: UUID.source },
  });
export type WorkflowName = z.infer<typeof WorkflowName>;

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const IDENTIFIER_RULE = "must be 1 to 63 letters, digits and underscores, not beginning with a digit";

export const StepId = z
  .string()
  .regex(IDENTIFIER, IDENTIFIER_RULE)
  .refine((id) => id !== "__proto__", "must not be __proto__, which is no safe key of an object")
  .meta({
    description: "Id of a step, unique in the document: 1 to 63 letters, digits and '_', not beginning with a digit.",
    examples: ["charge"],
    not: { const: "__proto__" },
  });
export type StepId = z.infer<typeof StepId>;

export const BranchName = z
  .string()
  .regex(IDENTIFIER, IDENTIFIER_RULE)
  .refine((name) => name !== "success" && name !== "error", "must not be success or error, which every step has")
  .meta({
    description: "Name of a condition's branch: like a step's id, but neither 'success' nor 'error'.",
    examples: ["large"],
    not: { enum: ["success", "error"] },
  });
export type BranchName = z.infer<typeof BranchName>;

export const TriggerId = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/,
    "must be 1 to 63 letters, digits, underscores and hyphens, not beginning with a hyphen",
  )
  .meta({
    description:
      "Id of a trigger, unique in the document: 1 to 63 letters, digits, '_' and '-', not beginning with '-'.",
    examples: ["orders"],
  });
export type TriggerId = z.infer<typeof TriggerId>;

export const SecretName = z
  .string()
  .regex(IDENTIFIER, IDENTIFIER_RULE)
  .meta({
    description: "Name of a tenant's secret: 1 to 63 letters, digits and '_', not beginning with a digit.",
    examples: ["PAY_TOKEN"],
  });
export type SecretName = z.infer<typeof SecretName>;

/** `"step"` or `"step:branch"`. */
export const DependencyEntry = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}(:[A-Za-z_][A-Za-z0-9_]{0,62})?$/, 'must be "step" or "step:branch"')
  .meta({
    description:
      "A step to wait for, 'step' (its success; of a condition: whichever branch was taken) or 'step:branch'.",
    examples: ["charge", "charge:error"],
  });
export type DependencyEntry = z.infer<typeof DependencyEntry>;
