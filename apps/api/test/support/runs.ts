// Starting executions and waiting for them, through the API.

import type { Execution, JsonObject } from "@keelson/contracts";
import { eventually } from "@keelson/testkit";
import { expect } from "vitest";
import { documentOf } from "./documents.ts";
import type { Client } from "./world.ts";

/** Saves a workflow of these steps; its name. */
export function saveSteps(client: Client, steps: readonly JsonObject[], rest: JsonObject = {}): Promise<string> {
  return client.save(documentOf(rest, steps));
}

/** Starts an execution; its id. */
export async function start(client: Client, workflow: string, body: object = {}): Promise<string> {
  const answer = await client.post(`/v1/workflows/${workflow}/executions`, body).expect(202);
  return answer.body.id;
}

/** Starts an execution and waits for its end. */
export async function run(client: Client, workflow: string, body: object = {}): Promise<Execution> {
  const answer = await client.post(`/v1/workflows/${workflow}/executions?wait=25`, body).expect(200);
  return answer.body;
}

/** Waits for the end of one that was started. */
export async function untilEnd(client: Client, id: string): Promise<Execution> {
  const { body } = await client.get(`/v1/executions/${id}?wait=25`).expect(200);
  expect(body.finishedAt).not.toBeNull();
  return body;
}

/** Waits until a step is in this status. */
export async function untilStep(client: Client, id: string, stepId: string, status: string): Promise<Execution> {
  return eventually(async () => {
    const { body } = await client.get(`/v1/executions/${id}`).expect(200);
    expect(body.steps).toContainEqual(expect.objectContaining({ id: stepId, status }));
    return body;
  });
}
