import { randomUUID } from "node:crypto";
import { delayStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { saveSteps, start, untilEnd, untilStep } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
});
afterAll(() => world.close());

describe("POST /v1/workflows/:ref/pause and /resume", () => {
  it("keeps what is accepted queued, in the version of that moment, until it is resumed; what runs goes on", async () => {
    const saved = documentOf();
    const name = await a.save(saved);
    const paused = await a.post(`/v1/workflows/${name}/pause`).expect(200);
    expect(paused.body).toMatchObject({ name, status: "paused", latestVersion: 1 });
    const first = await start(a, name);
    await a.save({ ...saved, description: "two" });
    const second = await start(a, name);
    const waited = await a.get(`/v1/executions/${first}?wait=1`).expect(200);
    expect(waited.body.status).toBe("queued");
    const resumed = await a.post(`/v1/workflows/${name}/resume`).expect(200);
    expect(resumed.body.status).toBe("active");
    expect(await untilEnd(a, first)).toMatchObject({ status: "succeeded", version: 1 });
    expect(await untilEnd(a, second)).toMatchObject({ status: "succeeded", version: 2 });
  });

  it("leaves what runs alone", async () => {
    const name = await saveSteps(a, [delayStep("nap", "1h")]);
    const id = await start(a, name);
    await untilStep(a, id, "nap", "waiting");
    await a.post(`/v1/workflows/${name}/pause`).expect(200);
    await a.post(`/v1/executions/${id}/steps/nap/wake`).expect(202);
    expect((await untilEnd(a, id)).status).toBe("succeeded");
  });

  it("a held one can be cancelled", async () => {
    const name = await a.save(documentOf());
    await a.post(`/v1/workflows/${name}/pause`).expect(200);
    const id = await start(a, name);
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    expect((await untilEnd(a, id)).status).toBe("cancelled");
  });

  it("archiving lets go of what a pause held", async () => {
    const name = await a.save(documentOf());
    await a.post(`/v1/workflows/${name}/pause`).expect(200);
    const id = await start(a, name);
    await a.delete(`/v1/workflows/${name}`).expect(204);
    expect((await untilEnd(a, id)).status).toBe("succeeded");
  });

  it("twice is the same as once; an archived one is 409, an unknown one and another tenant's 404", async () => {
    const { id } = (await a.post("/v1/workflows", documentOf()).expect(201)).body;
    for (const verb of ["pause", "pause", "resume", "resume"]) await a.post(`/v1/workflows/${id}/${verb}`).expect(200);
    for (const verb of ["pause", "resume"]) {
      expect((await world.b.post(`/v1/workflows/${id}/${verb}`).expect(404)).body.code).toBe("NOT_FOUND");
      await a.post(`/v1/workflows/${randomUUID()}/${verb}`).expect(404);
    }
    await a.delete(`/v1/workflows/${id}`).expect(204);
    for (const verb of ["pause", "resume"]) {
      expect((await a.post(`/v1/workflows/${id}/${verb}`).expect(409)).body.code).toBe("WORKFLOW_ARCHIVED");
    }
  });
});
