import { z } from "zod";
import { WorkflowName } from "../definition/names.ts";
import { WebhookTrigger, ScheduleTrigger } from "../definition/trigger.ts";
import { WorkflowDefinition } from "../definition/workflow.ts";
import { PageQuery, commaList, pageOf, queryBoolean, queryInteger } from "./lists.ts";
import { Id, Timestamp } from "./values.ts";

export const WORKFLOW_STATUSES = ["active", "paused", "archived"] as const;
export const WorkflowStatus = z
  .enum(WORKFLOW_STATUSES)
  .describe("paused: what is accepted is kept queued until resume; archived: it starts nothing any more.");
export type WorkflowStatus = z.infer<typeof WorkflowStatus>;

/** A workflow by its name, or by its id. */
export const WorkflowRef = z.union([Id, WorkflowName]).meta({
  description: "Name or id of a workflow.",
  examples: ["order-fulfilment"],
  type: "string",
});
export type WorkflowRef = z.infer<typeof WorkflowRef>;

export const SavedTrigger = z
  .discriminatedUnion("type", [
    z.strictObject({
      ...WebhookTrigger.shape,
      hookId: Id,
      url: z.string().describe("Where its requests are sent to; the same for every version."),
    }),
    z.strictObject({ ...ScheduleTrigger.shape, scheduleId: Id }),
  ])
  .describe("A trigger of the latest version.");
export type SavedTrigger = z.infer<typeof SavedTrigger>;

export const DefinitionIssue = z
  .strictObject({
    path: z.string().describe("JSON Pointer into the document."),
    code: z.string().meta({ description: "The rule, out of a closed list.", examples: ["UNKNOWN_STEP"] }),
    message: z.string().describe("What is wrong, and what would be right."),
  })
  .describe("Something in the document that is wrong, or perhaps not meant.");
export type DefinitionIssue = z.infer<typeof DefinitionIssue>;

export const WorkflowListItem = z.strictObject({
  id: Id,
  name: z.string().meta({
    description: "Unique among the tenant's workflows that are not archived.",
    examples: ["order-fulfilment"],
  }),
  description: z.string().nullable().describe("What it is for; null where the document does not say."),
  status: WorkflowStatus,
  latestVersion: z.int().describe("Number of the newest version, counted from 1."),
  triggers: z.array(SavedTrigger).describe("Those of the latest version."),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type WorkflowListItem = z.infer<typeof WorkflowListItem>;

export const Workflow = z.strictObject({
  ...WorkflowListItem.shape,
  definition: WorkflowDefinition.describe("The latest version's document."),
  warnings: z.array(DefinitionIssue).optional().describe("After a save: what is allowed, but perhaps not meant."),
});
export type Workflow = z.infer<typeof Workflow>;

export const WorkflowPage = pageOf(WorkflowListItem);
export type WorkflowPage = z.infer<typeof WorkflowPage>;

export const WorkflowListQuery = z.strictObject({
  ...PageQuery.shape,
  status: commaList(WorkflowStatus).optional().describe("Only those in these states. Default: all but archived ones."),
});
export type WorkflowListQuery = z.infer<typeof WorkflowListQuery>;

export const SaveQuery = z.strictObject({
  dryRun: queryBoolean.optional().describe("True: say what would happen, and save nothing. Default false."),
});
export type SaveQuery = z.infer<typeof SaveQuery>;

export const DryRunAnswer = z.strictObject({
  changed: z.boolean().describe("False where the document is the latest version's own."),
  nextVersion: z.int().describe("The version it would be, or is."),
  warnings: z.array(DefinitionIssue).describe("What is allowed, but perhaps not meant."),
});
export type DryRunAnswer = z.infer<typeof DryRunAnswer>;

export const ValidAnswer = z.strictObject({
  valid: z.literal(true),
  order: z.array(z.array(z.string())).describe("Ids of the steps by level: each lies below all that it waits for."),
  depth: z.int().describe("Steps on the longest path."),
  steps: z
    .array(z.strictObject({ id: z.string(), join: z.enum(["all", "any"]) }))
    .describe("The steps in the document's order, each with its join, as written or by default."),
  warnings: z.array(DefinitionIssue).describe("What is allowed, but perhaps not meant."),
});
export type ValidAnswer = z.infer<typeof ValidAnswer>;

export const WorkflowVersion = z.strictObject({
  version: z.int().describe("Counted from 1."),
  createdAt: Timestamp,
  createdBy: z.string().nullable().describe("Who saved it, such as 'apiKey:<id>'."),
  note: z.string().nullable().describe("The save's header `Keelson-Change-Note`."),
  contentHash: z.string().describe("SHA-256 of the document in canonical form, as hex."),
  definition: WorkflowDefinition,
});
export type WorkflowVersion = z.infer<typeof WorkflowVersion>;

export const WorkflowVersionPage = pageOf(WorkflowVersion);
export type WorkflowVersionPage = z.infer<typeof WorkflowVersionPage>;

export const VersionNumber = queryInteger(1, 2_147_483_647);
export type VersionNumber = z.infer<typeof VersionNumber>;
