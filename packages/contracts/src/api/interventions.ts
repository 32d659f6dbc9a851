import { z } from "zod";
import { StepId } from "../definition/names.ts";

export const RetryExecution = z.strictObject({
  from: StepId.optional().describe("A step that runs anew too, with all downstream of it. Default: what failed alone."),
});
export type RetryExecution = z.infer<typeof RetryExecution>;

export const ReplayExecution = z.strictObject({
  version: z
    .union([z.enum(["same", "latest"]), z.int().min(1).max(2_147_483_647)], {
      error: 'must be "same", "latest" or a version\'s number',
    })
    .optional()
    .describe("Version to run the same input in. Default 'same'."),
});
export type ReplayExecution = z.infer<typeof ReplayExecution>;
