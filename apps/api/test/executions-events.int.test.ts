import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { ExecutionEvent, ExecutionEventPage } from "@keelson/contracts";
import { delayStep, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { run, saveSteps, start, untilStep } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
let url: string;
let close: () => void;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
  const server = world.app.listen(0);
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => server.close();
});
afterAll(async () => {
  close();
  await world.close();
});

describe("GET /v1/executions/:id/events", () => {
  it("lists every transition, oldest first, without a hole and without payloads", async () => {
    const name = await saveSteps(a, [
      transformStep("one", "swordfish"),
      transformStep("two", "{{ steps.one.output }}", { dependsOn: ["one"] }),
    ]);
    const { id, lastSeq, createdAt } = await run(a, name, { input: "swordfish" });
    const { body, text } = await a.get(`/v1/executions/${id}/events`).expect(200);
    const events: ExecutionEvent[] = body.items;
    expect(events.map((event) => event.seq)).toEqual(Array.from({ length: lastSeq }, (_, n) => n + 1));
    expect(events[0]).toEqual({ seq: 1, at: createdAt, type: "execution.queued", data: {} });
    const types = events.map((event) => (event.stepId === undefined ? event.type : `${event.type} ${event.stepId}`));
    expect(types).toEqual([
      "execution.queued",
      "execution.running",
      "step.running one",
      "step.succeeded one",
      "step.running two",
      "step.succeeded two",
      "execution.succeeded",
    ]);
    expect(text).not.toContain("swordfish");
    expect(body.nextCursor).toBeNull();
  });

  it("walks by pages, and begins after a seq", async () => {
    const { id, lastSeq } = await run(a, await saveSteps(a, [transformStep("one", 1)]));
    const path = `/v1/executions/${id}/events`;
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const page: ExecutionEventPage = (await a.get(`${path}?limit=2${query}`).expect(200)).body;
      seen.push(...page.items.map((event) => event.seq));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: lastSeq }, (_, n) => n + 1));
    const rest = await a.get(`${path}?after=${lastSeq - 1}`).expect(200);
    expect(rest.body.items).toMatchObject([{ seq: lastSeq, type: "execution.succeeded" }]);
    expect((await a.get(`${path}?after=${lastSeq}`).expect(200)).body.items).toEqual([]);
    await a.get(`${path}?after=x`).expect(400);
  });

  it("is 404 for another tenant's, as a list and as a stream", async () => {
    const id = await start(a, await saveSteps(a, [transformStep("one", 1)]));
    for (const foreign of [id, randomUUID()]) {
      for (const accept of ["application/json", "text/event-stream"]) {
        const answer = await world.b.get(`/v1/executions/${foreign}/events`).set("accept", accept).expect(404);
        expect(answer.headers["content-type"]).toBe("application/problem+json");
      }
    }
  });
});

describe("as text/event-stream", () => {
  it("sends the history of an ended one and ends", async () => {
    const { id } = await run(a, await saveSteps(a, [transformStep("one", 1)]));
    const listed = (await a.get(`/v1/executions/${id}/events`).expect(200)).body.items;
    const stream = await openStream(id);
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    const frames = await stream.all();
    expect(frames.at(-1)).toMatchObject({ event: "end" });
    expect(frames.slice(0, -1)).toEqual(
      listed.map((event: ExecutionEvent) => ({ id: String(event.seq), event: event.type, data: event })),
    );
  });

  it("follows a running one live until it ends", async () => {
    const id = await start(a, await saveSteps(a, [delayStep("nap", "1h")]));
    await untilStep(a, id, "nap", "waiting");
    const stream = await openStream(id);
    await stream.until("step.waiting");
    await a.post(`/v1/executions/${id}/steps/nap/wake`).expect(202);
    const frames = await stream.all();
    const types = frames.map((frame) => frame.event);
    expect(types.slice(-3)).toEqual(["step.succeeded", "execution.succeeded", "end"]);
    const seqs = frames.slice(0, -1).map((frame) => Number(frame.id));
    expect(seqs).toEqual(seqs.map((_, n) => n + 1));
  });

  it("has a comment every 15 s, so that nothing in between takes it for dead", async () => {
    const silent = await start(a, await saveSteps(a, [delayStep("nap", "1h")]));
    await untilStep(a, silent, "nap", "waiting");
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const stream = await openStream(silent);
      await stream.until("step.waiting");
      vi.advanceTimersByTime(29_999);
      await a.post(`/v1/executions/${silent}/cancel`).expect(202);
      await stream.all();
      expect(stream.comments).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("resumes after Last-Event-ID or ?after= without a hole", async () => {
    const { id, lastSeq } = await run(a, await saveSteps(a, [transformStep("one", 1)]));
    const whole = await (await openStream(id)).all();
    for (const stream of [
      await openStream(id, { "last-event-id": "2" }),
      await openStream(id, {}, "?after=2"),
      await openStream(id, { "last-event-id": "2" }, "?after=1"),
    ]) {
      expect(await stream.all()).toEqual(whole.slice(2));
    }
    expect(await (await openStream(id, { "last-event-id": String(lastSeq) })).all()).toMatchObject([{ event: "end" }]);
    await a.get(`/v1/executions/${id}/events`).set("accept", "text/event-stream").set("last-event-id", "x").expect(400);
  });

  it("lets go when the client has gone, and ends without `end` when the service stops", async () => {
    const id = await start(a, await saveSteps(a, [delayStep("nap", "1h")]));
    await untilStep(a, id, "nap", "waiting");
    const left = await openStream(id);
    await left.until("step.waiting");
    await left.cancel();
    const cut = await openStream(id);
    await cut.until("step.waiting");
    world.stopping.abort();
    expect((await cut.all()).map((frame) => frame.event)).not.toContain("end");
  });
});

interface Frame {
  readonly id?: string;
  readonly event?: string;
  readonly data?: unknown;
}

async function openStream(id: string, headers: Record<string, string> = {}, query = "") {
  const response = await fetch(`${url}/v1/executions/${id}/events${query}`, {
    headers: { accept: "text/event-stream", authorization: `Bearer ${a.key}`, ...headers },
  });
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  const decoder = new TextDecoder();
  const frames: Frame[] = [];
  const comments: string[] = [];
  let rest = "";
  async function more(): Promise<boolean> {
    const { done, value } = await reader.read();
    rest += decoder.decode(value, { stream: true });
    const parts = rest.split("\n\n");
    rest = parts.pop() ?? "";
    comments.push(...parts.filter((part) => part.startsWith(":")));
    frames.push(...parts.filter((part) => !part.startsWith(":")).map(parseFrame));
    return !done;
  }
  return {
    headers: response.headers,
    comments,
    cancel: () => reader.cancel(),
    async until(event: string) {
      while (!frames.some((frame) => frame.event === event)) if (!(await more())) throw new Error("The stream ended");
    },
    async all() {
      while (await more());
      return frames;
    },
  };
}

function parseFrame(text: string): Frame {
  const fields = Object.fromEntries(text.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return { ...fields, data: JSON.parse(fields.data) };
}
