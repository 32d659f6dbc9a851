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
  it("put what is offered together into one statement, and what comes while it is under way into the next", async () => {
    const store = createStore();
    const claims = createClaims(store);
    const answers = ["a", "b"].map((id) => claims.claim("w", ref(id)));
    await turn();
    expect(store.calls.map(asked)).toEqual([["a", "b"]]);
    answers.push(claims.claim("w", ref("c")));
    await turn();
    expect(store.calls.map(asked)).toEqual([["a", "b"]]);
    store.calls[0]!.answer();
    await turn();
    expect(store.calls.map(asked)).toEqual([["a", "b"], ["c"]]);
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
    const twice = [claims.claim("w", ref("a")), claims.claim("w", ref("a"))];
    await turn();
    expect(store.calls.map(asked)).toEqual([["a"]]);
    store.calls[0]!.answer();
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
    await turn();
    store.calls[0]!.answer();
    await turn();
    expect(store.calls.map((call) => [call.workerId, asked(call)])).toEqual([
      ["w1", ["a", "b"]],
      ["w2", ["c"]],
    ]);
  });

  it("ask for 64 at the most", async () => {
    const store = createStore();
    const claims = createClaims(store);
    for (let n = 0; n < 100; n += 1) void claims.claim("w", ref(`e${n}`));
    await turn();
    store.calls[0]!.answer();
    await turn();
    expect(store.calls.map(({ refs }) => refs.length)).toEqual([64, 36]);
  });

  it("reject together when PostgreSQL is away, and go on afterwards", async () => {
    const store = createStore();
    const claims = createClaims(store);
    const lost = ["a", "b"].map((id) => claims.claim("w", ref(id)));
    await turn();
    const next = claims.claim("w", ref("c"));
    store.calls[0]!.fail();
    for (const one of lost) await expect(one).rejects.toThrow("away");
    await turn();
    store.calls[1]!.answer();
    expect((await next).kind).toBe("claimed");
  });
});
