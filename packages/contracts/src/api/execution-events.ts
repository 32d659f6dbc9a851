import { z } from "zod";
import { StepId } from "../definition/names.ts";
import { PageQuery, pageOf, queryInteger } from "./lists.ts";
import { AnyJson, Timestamp } from "./values.ts";

export const ExecutionEvent = z
  .strictObject({
    seq: z.int().describe("Counts the execution's events from 1, without a hole."),
    at: Timestamp.describe("When it was committed."),
    type: z.string().meta({
      description: "execution.<status>, step.<status>, attempt.started or attempt.failed.",
      examples: ["step.succeeded"],
    }),
    stepId: StepId.optional(),
    attempt: z.int().optional().describe("Which attempt of the step's present run."),
    data: z.record(z.string(), AnyJson).describe("What there is to say of it; never a payload."),
  })
  .describe("A transition of an execution.");
export type ExecutionEvent = z.infer<typeof ExecutionEvent>;

export const ExecutionEventPage = pageOf(ExecutionEvent).describe("Oldest first.");
export type ExecutionEventPage = z.infer<typeof ExecutionEventPage>;

export const EventSeq = queryInteger(0, 2_147_483_647);

export const EventListQuery = z.strictObject({
  ...PageQuery.shape,
  after: EventSeq.optional().describe("Only events after this `seq`. Default 0: all."),
});
export type EventListQuery = z.infer<typeof EventListQuery>;
