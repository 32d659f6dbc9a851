// The registry of step types. To add one: its folder here, its schema in contracts, its templates in dag.
import type { StepKinds } from "@keelson/engine";
import { conditionStep } from "./condition/condition.ts";
import { delayStep } from "./delay/delay.ts";
import type { HttpClient } from "./http/client.ts";
import { createHttpStep } from "./http/http.ts";
import { subworkflowStep } from "./subworkflow/subworkflow.ts";
import { transformStep } from "./transform/transform.ts";

export function createStepKinds(client: HttpClient): StepKinds {
  return {
    http: createHttpStep(client),
    transform: transformStep,
    condition: conditionStep,
    delay: delayStep,
    subworkflow: subworkflowStep,
  };
}
