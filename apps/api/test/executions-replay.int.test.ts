import { randomUUID } from "node:crypto";
import { transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { run, start, untilEnd } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
});
afterAll(() => world.close());

const replay = (id: string, body?: object) => a.post(`/v1/executions/${id}/replay`, body);

describe("POST /v1/executions/:id/replay", () => {
  it("starts a new one with the same input and trigger, in the same version unless another is asked for", async () => {
    const saved = documentOf({}, [transformStep("one", "v1 {{ input.n }}")]);
    const name = await a.save(saved);
    const original = await run(a, name, { input: { n: 7 } });
    await a.save({ ...saved, steps: [transformStep("one", "v2 {{ input.n }}")] });
    const outputs = [];
    for (const body of [undefined, { version: "same" }, { version: "latest" }, { version: 2 }]) {
      const answer = await replay(original.id, body).expect(202);
      expect(answer.body).toMatchObject({ replayOf: original.id, input: { n: 7 }, trigger: { type: "api" } });
      expect(answer.headers["location"]).toBe(`/v1/executions/${answer.body.id}`);
      outputs.push((await untilEnd(a, answer.body.id)).output);
    }
    expect(outputs).toEqual([{ one: "v1 7" }, { one: "v1 7" }, { one: "v2 7" }, { one: "v2 7" }]);
    const { body } = await a.get(`/v1/executions?replayOf=${original.id}`).expect(200);
    expect(body.items).toHaveLength(4);
  });

  it("is refused where that version's inputSchema refuses the input, or there is no such version", async () => {
    const saved = documentOf();
    const name = await a.save(saved);
    const { id } = await run(a, name, { input: 1 });
    await a.save({ ...saved, inputSchema: { type: "string" } });
    const refused = await replay(id, { version: "latest" }).expect(422);
    expect(refused.body).toMatchObject({ code: "INPUT_INVALID", errors: [{ path: "/input" }] });
    await replay(id, { version: 3 }).expect(404);
    await replay(id, { version: 0 }).expect(400);
    await replay(id, { version: "newest" }).expect(400);
  });

  it("is held while the workflow is paused, and refused once it is archived", async () => {
    const name = await a.save(documentOf());
    const { id, workflowId } = await run(a, name);
    await a.post(`/v1/workflows/${name}/pause`).expect(200);
    const held = await replay(id).expect(202);
    expect((await a.get(`/v1/executions/${held.body.id}?wait=1`).expect(200)).body.status).toBe("queued");
    await a.post(`/v1/workflows/${name}/resume`).expect(200);
    await untilEnd(a, held.body.id);
    await a.delete(`/v1/workflows/${workflowId}`).expect(204);
    expect((await replay(id).expect(409)).body.code).toBe("WORKFLOW_ARCHIVED");
  });

  it("is 404 for another tenant's, and takes one that has not ended as well", async () => {
    const id = await start(a, await a.save(documentOf()));
    await replay(id).expect(202);
    for (const foreign of [id, randomUUID()]) {
      expect((await world.b.post(`/v1/executions/${foreign}/replay`).expect(404)).body.code).toBe("NOT_FOUND");
    }
  });
});
