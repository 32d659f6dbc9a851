import { z } from "zod";
import { STEP_ERROR_CODES } from "../step-error.ts";
import { AnyJson } from "./values.ts";

export const Failure = z
  .strictObject({
    code: z.enum(STEP_ERROR_CODES).describe("What went wrong, out of a closed list."),
    message: z.string().describe("One sentence for people; never holds a secret."),
    step: z.string().optional().describe("Id of the step in which it arose; absent where it belongs to the whole."),
    details: AnyJson.optional().describe("After an HTTP answer: { status, headers, body }."),
  })
  .describe("Why a step run or an execution failed.");
export type Failure = z.infer<typeof Failure>;
