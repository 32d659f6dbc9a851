// Rules of triggers that the schema cannot say: unique ids, schedules that come, inputs that fit. Read leniently.

import { isJsonObject, type Json } from "@keelson/contracts";
import { checkCron } from "./cron.ts";
import { compileInputSchema, type InputCheck, InputSchemaError } from "./input-schema/input-schema.ts";
import { type DefinitionProblem, place, pointer, problem, read } from "./problem.ts";

/** Checks the input schema and, with it, the triggers. */
export function checkTriggers(document: unknown): DefinitionProblem[] {
  const listed = read(document, ["triggers"]);
  const triggers: readonly unknown[] = Array.isArray(listed) ? listed : [];
  const schema = checkInputSchema(read(document, ["inputSchema"]));
  return [
    ...schema.problems,
    ...duplicateIds(triggers),
    ...triggers.flatMap((trigger, index) =>
      isJsonObject(trigger) && trigger.type === "schedule"
        ? [
            ...checkSchedule(document, trigger, index),
            ...checkScheduleInput(document, trigger.input ?? null, index, schema.check),
          ]
        : [],
    ),
  ];
}

function checkInputSchema(schema: unknown): { problems: readonly DefinitionProblem[]; check: InputCheck | null } {
  if (schema === undefined) return { problems: [], check: null };
  // The schema of the document has said so already.
  if (typeof schema !== "boolean" && !isJsonObject(schema)) return { problems: [], check: null };
  try {
    return { problems: [], check: compileInputSchema(schema) };
  } catch (error) {
    if (error instanceof InputSchemaError) return { problems: error.problems, check: null };
    throw error;
  }
}

function duplicateIds(triggers: readonly unknown[]): DefinitionProblem[] {
  const firsts = new Map<string, number>();
  return triggers.flatMap((trigger, index) => {
    const id = isJsonObject(trigger) ? trigger.id : undefined;
    if (typeof id !== "string") return [];
    const first = firsts.get(id);
    if (first === undefined) {
      firsts.set(id, index);
      return [];
    }
    const message = `Trigger number ${index + 1} has the id ${JSON.stringify(id)}, which trigger number ${first + 1} has already: ids are unique in a document, rename one of them.`;
    return [problem("DUPLICATE_TRIGGER_ID", ["triggers", index, "id"], message)];
  });
}

function checkSchedule(
  document: unknown,
  trigger: { readonly [key: string]: Json },
  index: number,
): DefinitionProblem[] {
  const { cron, timezone = "UTC" } = trigger;
  if (typeof timezone !== "string") return typeof cron === "string" ? cronProblem(document, cron, "UTC", index) : [];
  const zoneFault = checkCron("* * * * *", timezone);
  const zoneProblems =
    zoneFault === null
      ? []
      : [
          problem(
            zoneFault.code,
            ["triggers", index, "timezone"],
            withPlace(document, index, "timezone", zoneFault.message),
          ),
        ];
  return [
    ...zoneProblems,
    ...(typeof cron === "string" ? cronProblem(document, cron, zoneFault === null ? timezone : "UTC", index) : []),
  ];
}

function cronProblem(document: unknown, cron: string, timezone: string, index: number): DefinitionProblem[] {
  const fault = checkCron(cron, timezone);
  return fault === null
    ? []
    : [problem(fault.code, ["triggers", index, "cron"], withPlace(document, index, "cron", fault.message))];
}

function withPlace(document: unknown, index: number, field: string, message: string): string {
  return `${place(document, ["triggers", index, field])} cannot be used. ${message}`;
}

/** A schedule's input is fixed, so whether it fits is known at once; left out, it is null. */
function checkScheduleInput(
  document: unknown,
  input: Json,
  index: number,
  check: InputCheck | null,
): DefinitionProblem[] {
  const path = ["triggers", index, "input"];
  return (check?.(input) ?? []).map((found) => ({
    path: pointer(path) + found.path,
    code: "INVALID_FIELD",
    message: `${place(document, path)} does not fit inputSchema: ${found.path === "" ? "it" : found.path} ${found.message}. Change the schedule's input, or the schema.`,
  }));
}
