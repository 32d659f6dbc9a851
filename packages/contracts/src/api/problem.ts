import { z } from "zod";
import { PROBLEMS } from "../problems.ts";

export const ProblemItem = z
  .strictObject({
    path: z.string().meta({
      description:
        "JSON Pointer into the body, empty for the whole of it; else the name after `?`, `header:` or `path:`.",
      examples: ["/name"],
    }),
    code: z.string().meta({ description: "The rule that is broken.", examples: ["INVALID_FIELD"] }),
    message: z
      .string()
      .meta({ description: "What is wrong, and what would be right.", examples: ["must not be empty"] }),
  })
  .describe("One of several things that are wrong with a request.");

/** The body of every refusal. */
export const Problem = z
  .strictObject({
    type: z.string().describe("urn:keelson:problem:<code>"),
    title: z.string().describe("The same for every occurrence."),
    status: z.int().describe("The HTTP status."),
    detail: z.string().describe("What went wrong this time, and what to do."),
    code: z.enum(codes()).describe("What to decide by."),
    requestId: z.string().describe("Finds the request in the server's logs."),
    errors: z.array(ProblemItem).optional().describe("Everything that is wrong, at most 500 of them."),
  })
  .describe("Why a request was refused, as RFC 9457 has it.");

function codes() {
  return Object.keys(PROBLEMS).filter((code): code is keyof typeof PROBLEMS => code in PROBLEMS);
}
export type Problem = z.infer<typeof Problem>;
