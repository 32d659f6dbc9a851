// Time is virtual: Date and setTimeout are vitest's.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LIMITS, type Json } from "@keelson/contracts";
import { pendingStep } from "../core/state.ts";
import { delay, http, subworkflow, transform } from "../core/testing/steps.ts";
import { NOW, World } from "./testing/world.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets everything happen that needs no time. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** The text that this fake PostgreSQL cannot store. */
const BAD = "bad";
const holdsBad = (value: unknown) => JSON.stringify(value).includes(`"${BAD}"`);

function gateOf(world: World): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate = promise;
  return resolve;
}

describe("effects", () => {
  it("begin only after the commit that decided them (I1)", async () => {
    const world = new World([http("a")]);
    const open = gateOf(world);
    const end = world.session.run();
    await settle();
    expect(world.journal).toEqual([]);
    open();
    await settle();
    expect(world.journal).toEqual(["commit", "begin a"]);
    world.end("a");
    expect(await end).toBe("ended");
    expect(world.row.status).toBe("succeeded");
  });

  it("do not begin when the commit is fenced off, nor does anything else (I2)", async () => {
    const world = new World([http("a"), delay("w")]);
    world.fenced = true;
    expect(await world.session.run()).toBe("fenced");
    expect(world.journal).toEqual(["fenced"]);
  });

  it("that run are broken off by a fenced commit, and nothing is written after it", async () => {
    const world = new World([http("a"), http("b"), http("c", ["a"])]);
    const end = world.session.run();
    await settle();
    world.fenced = true;
    world.end("a");
    expect(await end).toBe("fenced");
    world.end("b");
    await settle();
    expect(world.journal).toEqual(["commit", "begin a", "begin b", "fenced", "abort b"]);
  });

  it("do not begin when the lease may have expired since the commit was sent", async () => {
    const world = new World([http("a")]);
    const open = gateOf(world);
    const end = world.session.run();
    await settle();
    world.live = false;
    open();
    expect(await end).toBe("dropped");
    expect(world.journal).toEqual(["commit"]);
  });

  it.each([
    ["the lease may have expired", (world: World) => (world.live = false)],
    ["the session was dropped", (world: World) => world.session.drop()],
  ])("do not begin when %s while their secrets were read", async (_, happens) => {
    const world = new World([{ ...http("a"), config: { url: "https://target.example/{{ secrets.KEY }}" } }]);
    const { promise, resolve } = Promise.withResolvers<void>();
    world.secretsGate = promise;
    const end = world.session.run();
    await settle();
    happens(world);
    resolve();
    expect(await end).toBe("dropped");
    await settle();
    expect(world.journal).toEqual(["commit"]);
  });

  it("do not begin when the commit's answer is lost", async () => {
    const world = new World([http("a")]);
    world.losesAnswer = true;
    await expect(world.session.run()).rejects.toThrow("Connection terminated");
    expect(world.journal).toEqual(["commit"]);
  });

  it("do not begin when the session was dropped while its commit was under way", async () => {
    const world = new World([http("a")]);
    const open = gateOf(world);
    const end = world.session.run();
    await settle();
    world.session.drop();
    open();
    expect(await end).toBe("dropped");
    expect(world.journal).toEqual(["commit"]);
  });

  it("that run are broken off when the session is dropped, and nothing is written", async () => {
    const world = new World([http("a")]);
    const end = world.session.run();
    await settle();
    world.session.drop();
    expect(await end).toBe("dropped");
    world.end("a");
    await settle();
    expect(world.journal).toEqual(["commit", "begin a", "abort a"]);
  });

  it("carry the step run's key, the same after a loss, and the frozen input", async () => {
    const lost = {
      ...pendingStep("a"),
      status: "running" as const,
      attempt: 1,
      startedAt: NOW,
      sentAt: NOW,
      input: { frozen: true },
      iter: 3,
      keyIter: 2,
    };
    const world = new World([http("a")], { execution: { status: "running", losses: 1, steps: [lost], labels: {} } });
    const end = world.session.run();
    await settle();
    expect(world.keys).toEqual(["execution.a.2"]);
    expect(world.inputs).toEqual([{ frozen: true }]);
    expect(world.commits[0]?.attempts).toMatchObject([{ outcome: "in_doubt", idempotencyKey: "execution.a.2" }]);
    expect(world.commits[0]?.progress).toBe(false);
    world.end("a");
    expect(await end).toBe("ended");
    expect(world.commits[1]?.progress).toBe(true);
  });
});

describe("commits", () => {
  it("carry all pure steps that follow one another, each with its own events", async () => {
    const chain = Array.from({ length: 10 }, (_, index) =>
      transform(`t${index}`, index === 0 ? [] : [`t${index - 1}`]),
    );
    const world = new World(chain);
    expect(await world.session.run()).toBe("ended");
    expect(world.commits).toHaveLength(1);
    expect(world.commits[0]?.events.filter(({ type }) => type === "step.succeeded")).toHaveLength(10);
    expect(world.commits[0]?.end).toMatchObject({ output: { t9: { of: "t9" } }, error: null });
  });

  it("number one more than the http steps of a chain", async () => {
    const world = new World([http("a"), http("b", ["a"]), http("c", ["b"])]);
    const end = world.session.run();
    for (const id of ["a", "b", "c"]) {
      await settle();
      world.end(id);
    }
    expect(await end).toBe("ended");
    expect(world.commits).toHaveLength(4);
  });

  it("follow one another without a hole in seq", async () => {
    const world = new World([http("a"), http("b", ["a"])]);
    const end = world.session.run();
    await settle();
    world.end("a");
    await settle();
    world.end("b");
    await end;
    const starts = world.commits.map(({ seq }) => seq);
    const ends = world.commits.map(({ seq, events }) => seq + events.length);
    expect(starts.slice(1)).toEqual(ends.slice(0, -1));
  });

  it("carry the labels once", async () => {
    const world = new World([http("a")], { document: { labels: { of: "static" } } });
    const end = world.session.run();
    await settle();
    world.end("a");
    await end;
    expect(world.commits.map(({ labels }) => labels)).toEqual([{ of: "static" }, undefined]);
  });

  it("carry the child in the commit that makes its step wait", async () => {
    const world = new World([subworkflow("k")]);
    expect(await world.session.run()).toBe("released");
    expect(world.commits).toHaveLength(1);
    const { childId } = world.row.steps.get("k")!;
    expect(world.commits[0]?.children).toMatchObject([
      { executionId: childId, parent: { executionId: "execution", stepId: "k", gen: 1 }, nesting: 1 },
    ]);
  });

  it("start the workflow that onFailure names, in the commit that fails, and none for a quiet failure", async () => {
    const document = { onFailure: "alarm" };
    const fail = { kind: "failed" as const, error: { code: "HTTP_STATUS" as const, message: "500" }, retryable: false };
    for (const quietFailure of [false, true]) {
      const world = new World([http("a")], { document, execution: { quietFailure } });
      const end = world.session.run();
      await settle();
      world.end("a", { ...fail, inDoubt: false });
      expect(await end).toBe("ended");
      expect(world.commits.at(-1)?.children.map(({ workflowName }) => workflowName)).toEqual(
        quietFailure ? [] : ["alarm"],
      );
    }
  });

  it("start it whatever the failure: the deadline, or an output that cannot be evaluated", async () => {
    const late = new World([http("a")], { document: { onFailure: "alarm" }, execution: { deadlineAt: NOW + 10 } });
    const end = late.session.run();
    await vi.advanceTimersByTimeAsync(10);
    expect(await end).toBe("ended");
    const wrong = new World([transform("t")], { document: { onFailure: "alarm", output: "{{ input.a.b }}" } });
    expect(await wrong.session.run()).toBe("ended");
    for (const [world, code] of [
      [late, "EXECUTION_TIMEOUT"],
      [wrong, "OUTPUT_INVALID"],
    ] as const) {
      expect(world.commits.at(-1)).toMatchObject({ status: "failed", end: { error: { code } } });
      expect(world.commits.at(-1)?.children).toMatchObject([{ workflowName: "alarm", input: { error: { code } } }]);
    }
  });
});

describe("release", () => {
  it("gives the lease back with the earliest of the waits and the deadline", async () => {
    const deadlineAt = NOW + 500;
    const world = new World([delay("w")], { execution: { deadlineAt } });
    expect(await world.session.run()).toBe("released");
    expect(world.commits).toMatchObject([{ status: "waiting", release: true, wakeAt: deadlineAt }]);
    const without = new World([delay("w")]);
    expect(await without.session.run()).toBe("released");
    expect(without.commits).toMatchObject([{ release: true, wakeAt: NOW + 1000 }]);
  });

  it("is not asked for while another branch's attempt runs; its waits are the holder's timers (T8)", async () => {
    const world = new World([http("a"), delay("w"), http("b", ["w"])]);
    const end = world.session.run();
    await settle();
    expect(world.commits).toMatchObject([{ release: false, status: "running" }]);
    await vi.advanceTimersByTimeAsync(999);
    expect(world.journal).toEqual(["commit", "begin a"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.journal).toEqual(["commit", "begin a", "commit", "begin b"]);
    world.end("a");
    await settle();
    world.end("b");
    expect(await end).toBe("ended");
    expect(world.commits.filter(({ release }) => release)).toEqual([]);
  });

  it("is not asked for while an attempt's outcome is there and not yet fed, which came as another step was evaluated (T8)", async () => {
    const world = new World([http("a"), delay("w"), subworkflow("k", ["w"])]);
    const gate = Promise.withResolvers<void>();
    world.resolveGate = gate.promise;
    const end = world.session.run();
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    world.end("a");
    await settle();
    gate.resolve();
    expect(await end).toBe("released");
    expect(world.commits.filter(({ release }) => release)).toMatchObject([{ status: "waiting" }]);
    expect(world.statuses).toMatchObject({ a: "succeeded", k: "waiting" });
  });

  it("is asked for once the last attempt has ended and only waits are left", async () => {
    const world = new World([http("a"), delay("w", ["a"])]);
    const end = world.session.run();
    await settle();
    world.end("a");
    expect(await end).toBe("released");
    expect(world.commits.map(({ release }) => release)).toEqual([false, true]);
  });

  it("comes at once for what is held, with nothing begun", async () => {
    const world = new World([http("a")], { execution: { held: true, deadlineAt: NOW + 5000 } });
    expect(await world.session.run()).toBe("released");
    expect(world.journal).toEqual(["commit"]);
    expect(world.commits).toMatchObject([{ status: "queued", wakeAt: NOW + 5000, steps: [] }]);
  });
});

describe("mail", () => {
  it("that a child's end leaves while the parent parks keeps it from being released (T1)", async () => {
    const world = new World([subworkflow("k"), http("z", ["k"])]);
    const open = gateOf(world);
    const end = world.session.run();
    await settle();
    world.children.set("id-1", { status: "succeeded", output: 1 });
    world.mail({ kind: "childEnded", stepId: "k", sourceId: "id-1" });
    open();
    await settle();
    expect(world.statuses).toEqual({ k: "succeeded", z: "running" });
    expect(world.inbox).toEqual([]);
    world.end("z");
    expect(await end).toBe("ended");
  });

  it("that cancels while a commit is under way is found by that commit's answer (T2)", async () => {
    const world = new World([http("a")]);
    const open = gateOf(world);
    const end = world.session.run();
    await settle();
    world.mail({ kind: "cancel" });
    open();
    expect(await end).toBe("ended");
    expect(world.row.status).toBe("cancelled");
    expect(world.journal).toEqual(["commit", "begin a", "commit", "abort a"]);
  });

  it("that a hint tells of breaks off what runs", async () => {
    const world = new World([http("a"), http("b")]);
    const end = world.session.run();
    await settle();
    world.mail({ kind: "cancel" });
    world.session.checkMail();
    expect(await end).toBe("ended");
    expect(world.statuses).toEqual({ a: "cancelled", b: "cancelled" });
    expect(world.journal.slice(-2)).toEqual(["abort a", "abort b"]);
  });

  it("that was there at the claim is obeyed before anything begins", async () => {
    const inbox = [{ id: "m", kind: "cancel" as const, stepId: null, sourceId: null }];
    const world = new World([http("a")], { execution: { inbox } });
    expect(await world.session.run()).toBe("ended");
    expect(world.journal).toEqual(["commit"]);
    expect(world.commits).toMatchObject([{ status: "cancelled", eaten: ["m"] }]);
  });

  it("is eaten once, however often it is read before its commit", async () => {
    const world = new World([http("a"), delay("w")]);
    const end = world.session.run();
    await settle();
    world.mail({ kind: "wake", stepId: "w" });
    const open = gateOf(world);
    world.session.checkMail();
    await settle();
    world.session.checkMail();
    open();
    await settle();
    expect(world.statuses).toMatchObject({ w: "succeeded", a: "running" });
    expect(world.commits.flatMap(({ eaten }) => eaten)).toEqual(["mail-1"]);
    world.end("a");
    expect(await end).toBe("ended");
  });

  it("is taken in once where a hint has it read twice before its commit", async () => {
    const world = new World([http("a"), delay("w")]);
    const end = world.session.run();
    await settle();
    world.mail({ kind: "wake", stepId: "w" });
    let reads = 0;
    world.onInboxRead = () => {
      reads += 1;
      if (reads === 1) world.session.checkMail();
    };
    world.session.checkMail();
    await settle();
    expect(reads).toBe(2);
    expect(world.commits.flatMap(({ eaten }) => eaten)).toEqual(["mail-1"]);
    world.end("a");
    expect(await end).toBe("ended");
  });

  it("of a child that goes on again says nothing, and is used up all the same", async () => {
    const world = new World([subworkflow("k")]);
    const open = gateOf(world);
    const end = world.session.run();
    await settle();
    world.mail({ kind: "childEnded", stepId: "k", sourceId: "id-1" });
    open();
    expect(await end).toBe("released");
    expect(world.inbox).toEqual([]);
    expect(world.statuses).toEqual({ k: "waiting" });
  });
});

describe("values that PostgreSQL refuses (T9)", () => {
  const refusing = (world: World) => {
    world.refuses = (item) => holdsBad(item.steps) || holdsBad(item.end ?? null);
    return world;
  };

  it("become the failure of the step whose attempt yielded them", async () => {
    const world = refusing(new World([http("a"), http("h", ["a:error"])]));
    const end = world.session.run();
    await settle();
    world.end("a", { kind: "succeeded", output: BAD });
    await settle();
    expect(world.journal).toEqual(["commit", "begin a", "refused", "commit"]);
    expect(world.row.steps.get("a")).toMatchObject({ status: "failed", error: { code: "TOO_LARGE" } });
    expect(await end).toBe("ended");
  });

  it("become the failure of the step whose template yielded them", async () => {
    const world = refusing(new World([transform("t")], { outputs: { t: BAD } }));
    expect(await world.session.run()).toBe("ended");
    expect(world.journal).toEqual(["refused", "commit"]);
    expect(world.commits).toMatchObject([{ status: "failed", end: { error: { code: "TOO_LARGE", step: "t" } } }]);
  });

  it("do not cost the mail that came with them", async () => {
    const inbox = [{ id: "m", kind: "wake" as const, stepId: "t", sourceId: null }];
    const world = refusing(new World([transform("t")], { outputs: { t: BAD }, execution: { inbox } }));
    await world.session.run();
    expect(world.commits).toMatchObject([{ eaten: ["m"] }]);
  });

  it("become OUTPUT_INVALID where it is the execution's output, whatever became of its steps", async () => {
    const world = new World([http("a", [], { onError: "continue" })], { document: { output: BAD } });
    world.refuses = (item) => holdsBad(item.end?.output ?? null);
    const end = world.session.run();
    await settle();
    world.end("a");
    expect(await end).toBe("ended");
    expect(world.commits.at(-1)).toMatchObject({
      status: "failed",
      end: { output: null, error: { code: "OUTPUT_INVALID" } },
    });
  });

  it("are not tried a third time", async () => {
    const world = new World([transform("t")]);
    world.refuses = () => true;
    await expect(world.session.run()).rejects.toThrow("unsupported Unicode");
    expect(world.journal).toEqual(["refused", "refused"]);
  });

  it("never reach PostgreSQL where they can be known before", async () => {
    const deep = Array.from({ length: LIMITS.jsonDepth + 2 }).reduce<Json>((inner) => [inner], 0);
    const world = new World([transform("t", [], { onError: "continue" }), transform("u")], {
      outputs: { t: deep, u: "a\u0000b" },
      document: { output: "none" },
    });
    expect(await world.session.run()).toBe("ended");
    expect(world.row.steps.get("t")).toMatchObject({ status: "failed", error: { code: "TOO_LARGE" } });
    expect(world.row.steps.get("u")?.output).toEqual({ kind: "value", value: "a\uFFFDb" });
  });
});

describe("time", () => {
  it("breaks off what runs when the deadline is over", async () => {
    const world = new World([http("a"), http("h", ["a:error"])], { execution: { deadlineAt: NOW + 5000 } });
    const end = world.session.run();
    await vi.advanceTimersByTimeAsync(4999);
    expect(world.commits).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await end).toBe("ended");
    expect(world.commits.at(-1)).toMatchObject({ status: "failed", end: { error: { code: "EXECUTION_TIMEOUT" } } });
    expect(world.journal).toEqual(["commit", "begin a", "commit", "abort a"]);
  });

  it("makes due at once what was due when it was claimed", async () => {
    const waiting = {
      ...pendingStep("w"),
      status: "waiting" as const,
      attempt: 1,
      wait: "delay" as const,
      dueAt: NOW,
      startedAt: NOW - 1000,
    };
    const world = new World([delay("w")], { execution: { status: "waiting", steps: [waiting], labels: {} } });
    expect(await world.session.run()).toBe("ended");
    expect(world.commits).toMatchObject([{ status: "succeeded" }]);
  });
});

describe("memory", () => {
  it.each([
    ["a large output", "x".repeat(9_000), ["a"]],
    ["a large output of many parts", Array.from({ length: 5_000 }, (_, n) => ({ n })), ["a"]],
    ["a small output", { text: "x" }, []],
  ] as const)("of %s is given up once it is committed, and it is loaded when it is named", async (_, output, loads) => {
    const named = { ...transform("c", ["b"]), config: { output: "{{ steps.a.output }}" } };
    const world = new World([http("a"), http("b", ["a"]), named]);
    const end = world.session.run();
    await settle();
    world.end("a", { kind: "succeeded", output: output as Json });
    await settle();
    expect(world.commits.at(-1)?.steps.find(({ id }) => id === "a")?.output).toEqual({ kind: "value", value: output });
    world.end("b");
    expect(await end).toBe("ended");
    expect(world.loads).toEqual(loads);
  });
});
