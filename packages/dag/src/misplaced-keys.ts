// Keys that exist, but elsewhere: beside config instead of in it, or the other way about.

import {
  ConditionConfig,
  ConditionStep,
  DelayConfig,
  DelayStep,
  HttpConfig,
  HttpStep,
  SubworkflowConfig,
  SubworkflowStep,
  TransformConfig,
  TransformStep,
} from "@keelson/contracts";
import { type Path, read } from "./problem.ts";

const SHAPES = new Map<unknown, { readonly step: object; readonly config: object }>([
  ["http", { step: HttpStep.shape, config: HttpConfig.shape }],
  ["transform", { step: TransformStep.shape, config: TransformConfig.shape }],
  ["condition", { step: ConditionStep.shape, config: ConditionConfig.shape }],
  ["delay", { step: DelayStep.shape, config: DelayConfig.shape }],
  ["subworkflow", { step: SubworkflowStep.shape, config: SubworkflowConfig.shape }],
]);
const BESIDE_CONFIG = new Set(["dependsOn", "join", "retry", "timeout", "onError"]);

/** What to say of an unknown key of the object at `path`, if there is a place for it. */
export function misplacedKey(document: unknown, path: Path, key: string): string | null {
  const [part, index, field] = path;
  if (part !== "steps" || typeof index !== "number") return null;
  const shapes = SHAPES.get(read(document, [part, index, "type"]));
  if (shapes === undefined) return null;
  if (path.length === 2) {
    if (Object.hasOwn(shapes.config, key))
      return `stands beside config, but belongs into it: write "config": { "${key}": … }.`;
    if (key !== "timeout") return null;
    return "is not known: only http and subworkflow steps have an attempt's timeout. Remove it.";
  }
  const isBeside = path.length === 3 && field === "config" && BESIDE_CONFIG.has(key) && Object.hasOwn(shapes.step, key);
  return isBeside ? "stands in config, but belongs to the step: write it beside config." : null;
}
