// Text that looks as if it were meant to be evaluated, and will not be: other products write `${input.id}` or `{input.id}`.

import { isJsonObject, show, type WorkflowDefinition } from "@keelson/contracts";
import { type DefinitionProblem, type Path, pointer } from "./problem.ts";

const NAME = String.raw`(?:input|trigger|steps|execution|secrets)(?:\.[A-Za-z_]\w*)+`;
/** `${ input.id }`, `{ input.id }`, `<% input.id %>`, or nothing but `input.id`. */
const MEANT = new RegExp(String.raw`\$?\{\s*(${NAME})\s*\}|<%=?\s*(${NAME})\s*%>|^\s*(${NAME})\s*$`);
const MAX_WARNINGS = 20;

/** A warning `NOT_EVALUATED` for each such text of a template, at most 20. */
export function unevaluatedTexts(definition: WorkflowDefinition): DefinitionProblem[] {
  const found: DefinitionProblem[] = [];
  const look = (value: unknown, path: Path): void => {
    if (found.length >= MAX_WARNINGS) return;
    if (typeof value === "string") found.push(...warningOf(value, path));
    else if (Array.isArray(value)) value.forEach((item, index) => look(item, [...path, index]));
    else if (isJsonObject(value)) for (const [key, item] of Object.entries(value)) look(item, [...path, key]);
  };
  look(definition.labels, ["labels"]);
  definition.steps.forEach((step, index) => {
    for (const [field, value] of Object.entries(step.config)) {
      if (!BARE.has(field)) look(value, ["steps", index, "config", field]);
    }
  });
  look(definition.output, ["output"]);
  return found;
}

/** Bare expressions, and names. */
const BARE = new Set(["if", "cases", "successIf", "workflow"]);

function warningOf(text: string, path: Path): DefinitionProblem[] {
  if (text.includes("{{")) return [];
  const name = MEANT.exec(text)
    ?.slice(1)
    .find((part) => part !== undefined);
  if (name === undefined) return [];
  const message = `The text ${show(text)} is sent as it stands: write {{ ${name} }} for its value.`;
  return [{ path: pointer(path), code: "NOT_EVALUATED", message }];
}
