// Workflows with a hook, and deliveries as the ingress writes them down.

import type { JsonObject } from "@keelson/contracts";
import { deliveryReject } from "@keelson/db";
import { newId } from "@keelson/service-kit";
import { transformStep } from "@keelson/testkit";
import { documentOf } from "./documents.ts";
import type { Client, World } from "./world.ts";

export interface Hooked {
  readonly id: string;
  readonly name: string;
  readonly hookId: string;
}

/** A workflow with an unsigned hook. */
export async function saveHooked(client: Client, rest: JsonObject = {}): Promise<Hooked> {
  const triggers = [{ id: "orders", type: "webhook", signature: { scheme: "none" } }];
  const saved = documentOf({ triggers, ...rest }, [transformStep("one", "{{ input }}")]);
  const { body } = await client.post("/v1/workflows", saved).expect(201);
  return { id: body.id, name: body.name, hookId: body.triggers[0].hookId };
}

/** A delivery that was rejected; its id. */
export async function rejectedDelivery(world: World, client: Client, to: Hooked, body: string): Promise<string> {
  const id = newId();
  const contentType = "application/json";
  await deliveryReject(world.admin, {
    tenantId: client.tenantId,
    delivery: { id, hookId: to.hookId, workflowId: to.id, repeatKey: null, headers: {}, query: {}, contentType },
    body: Buffer.from(body),
    reason: { code: "SIGNATURE_INVALID", text: "The signature is wrong.", hint: "Look at the secret." },
  });
  return id;
}
