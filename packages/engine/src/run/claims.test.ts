import { describe, expect, it } from "vitest";
import { createClaims } from "./claims.ts";
import type { ClaimAnswer, ExecutionRef } from "./ports.ts";
import { claimed } from "./testing/world.ts";

const ref = (executionId: string, tenantId = "t1"): ExecutionRef => ({ tenantId, executionId });

/** A store that answers when told to, and grants whatever it is asked for. */
function createStore() {
  const calls: { workerId: string; refs: readonly ExecutionRef[]; answer: () => void; fail: () => void }[] = [];
  const claim = (workerId: string, refs: readonly ExecutionRef[]) =>
    new Promise<ClaimAnswer[]>((resolve, reject) => {
      const answers = refs.map((one): ClaimAnswer => ({ kind: "claimed", execution: { ...claimed(), ...one } }));
      calls.push({ workerId, refs, answer: () => resolve(answers), fail: () => reject(new Error("away")) });
    });
  return { claim, calls };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const asked = (call: { refs: readonly ExecutionRef[] } | undefined) => call?.refs.map(({ executionId }) => executionId);

describe("claims", () => {
  it("put what is offered while one is under way into the next, in one statement", async () => {
    const store = createStore();
    const claims = createClaims(store);
    const answers = ["a", "b", "c"].map((id) => claims.claim("w", ref(id)));
    await turn();
    expect(store.calls.map(asked)).toEqual([["a"]]);
    store.calls[0]!.answer();
    await turn();
    expect(store.calls.map(asked)).toEqual([["a"], ["b", "c"]]);
    store.calls[1]!.answer();
    const ids = (await Promise.all(answers)).map((answer) =>
      answer.kind === "claimed" ? answer.execution.executionId : answer.kind,
    );
    expect(ids).toEqual(["a", "b", "c"]);
  });

  it("keep tenants apart, none waiting for another", async () => {
    const store = createStore();
    const claims = createClaims(store);
    void claims.claim("w", ref("a", "t1"));
    void claims.claim("w", ref("b", "t2"));
    await turn();
    expect(store.calls.map(asked)).toEqual([["a"], ["b"]]);
  });

  it("give an execution that was hinted twice to one of the two", async () => {
    const store = createStore();
    const claims = createClaims(store);
    void claims.claim("w", ref("first"));
    const twice = [claims.claim("w", ref("a")), claims.claim("w", ref("a"))];
    store.calls[0]!.answer();
    await turn();
    expect(asked(store.calls[1])).toEqual(["a"]);
    store.calls[1]!.answer();
    expect((await Promise.all(twice)).map(({ kind }) => kind)).toEqual(["claimed", "none"]);
  });

  it("of two incarnations never share a statement", async () => {
    const store = createStore();
    const claims = createClaims(store);
    for (const [worker, id] of [
      ["w1", "a"],
      ["w1", "b"],
      ["w2", "c"],
    ] as const)
      void claims.claim(worker, ref(id));
    for (const call of [0, 1]) {
      await turn();
      store.calls[call]!.answer();
    }
    await turn();
    expect(store.calls.map((call) => [call.workerId, asked(call)])).toEqual([
      ["w1", ["a"]],
      ["w1", ["b"]],
      ["w2", ["c"]],
    ]);
  });

  it("ask for 64 at the most", async () => {
    const store = createStore();
    const claims = createClaims(store);
    for (let n = 0; n < 100; n += 1) void claims.claim("w", ref(`e${n}`));
    for (const call of [0, 1]) {
      await turn();
      store.calls[call]!.answer();
    }
    await turn();
    expect(store.calls.map(({ refs }) => refs.length)).toEqual([1, 64, 35]);
  });

  it("reject together when PostgreSQL is away, and go on afterwards", async () => {
    const store = createStore();
    const claims = createClaims(store);
    const lost = claims.claim("w", ref("a"));
    const next = claims.claim("w", ref("b"));
    store.calls[0]!.fail();
    await expect(lost).rejects.toThrow("away");
    await turn();
    store.calls[1]!.answer();
    expect((await next).kind).toBe("claimed");
  });
});
