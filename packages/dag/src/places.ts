// Where expressions stand in a document. Read leniently: whatever is text is looked at, whatever else is wrong.

import { isJsonObject, LIMITS } from "@keelson/contracts";
import { type Path, read } from "./problem.ts";
import { HTTP_ROOTS, LABEL_ROOTS, STEP_ROOTS, SUCCESS_IF_ROOTS } from "./roots.ts";

export interface ExpressionPlace {
  readonly path: Path;
  readonly text: string;
  /** A bare expression, or text with `{{ … }}` in it. */
  readonly kind: "expression" | "template";
  readonly roots: readonly string[];
  /** Index of the step it belongs to; null for labels and the output. */
  readonly step: number | null;
}

/** All places in document order, of as many steps as are allowed; of a template one for each string in it. */
export function expressionPlaces(document: unknown): ExpressionPlace[] {
  const steps = read(document, ["steps"]);
  return [
    ...textsIn(read(document, ["labels"]), ["labels"], LABEL_ROOTS, null),
    ...(Array.isArray(steps)
      ? steps.slice(0, LIMITS.steps).flatMap((step: unknown, index) => stepPlaces(step, index))
      : []),
    ...textsIn(read(document, ["output"]), ["output"], STEP_ROOTS, null),
  ];
}

function stepPlaces(step: unknown, index: number): ExpressionPlace[] {
  const config = read(step, ["config"]);
  if (!isJsonObject(config)) return [];
  const path = ["steps", index, "config"];
  const texts = (keys: readonly string[], roots: readonly string[]) =>
    keys.flatMap((key) => textsIn(config[key], [...path, key], roots, index));
  switch (read(step, ["type"])) {
    case "http":
      return [
        ...texts(["url", "headers", "query", "body"], HTTP_ROOTS),
        ...bare(config.successIf, [...path, "successIf"], SUCCESS_IF_ROOTS, index),
      ];
    case "transform":
      return texts(["output"], STEP_ROOTS);
    case "condition":
      return [...bare(config.if, [...path, "if"], STEP_ROOTS, index), ...casePlaces(config.cases, path, index)];
    case "delay":
      return texts(["for", "until"], STEP_ROOTS);
    case "subworkflow":
      return texts(["input"], STEP_ROOTS);
    default:
      return [];
  }
}

function casePlaces(cases: unknown, path: Path, step: number): ExpressionPlace[] {
  if (!Array.isArray(cases)) return [];
  return cases.flatMap((item: unknown, index) =>
    bare(read(item, ["if"]), [...path, "cases", index, "if"], STEP_ROOTS, step),
  );
}

function bare(value: unknown, path: Path, roots: readonly string[], step: number): ExpressionPlace[] {
  return typeof value === "string" && value !== "" ? [{ path, text: value, kind: "expression", roots, step }] : [];
}

function textsIn(value: unknown, path: Path, roots: readonly string[], step: number | null): ExpressionPlace[] {
  if (typeof value === "string")
    return value.includes("{{") ? [{ path, text: value, kind: "template", roots, step }] : [];
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => textsIn(item, [...path, index], roots, step));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => textsIn(item, [...path, key], roots, step));
}
