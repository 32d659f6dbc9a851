import { compileInputSchema, compileWorkflow } from "@keelson/dag";
import type { FoundHook } from "@keelson/db";
import { expect, it } from "vitest";
import { forgetOnChange } from "./forget-on-change.ts";
import { createHookDirectory } from "./hook-directory.ts";

const HOOK = "01900000-0000-7000-8000-000000000001";
const TENANT = "01900000-0000-7000-8000-0000000000aa";
const OTHER_TENANT = "01900000-0000-7000-8000-0000000000bb";

const FOUND: FoundHook = {
  tenantId: TENANT,
  hookId: HOOK,
  workflowId: "01900000-0000-7000-8000-0000000000cc",
  triggerId: "orders",
  workflowName: "w",
  workflowStatus: "active",
  versionId: "01900000-0000-7000-8000-0000000000dd",
  version: 1,
  limits: {},
  tenantDeletedAt: null,
};

function directory(triggerId = "orders") {
  const state = {
    found: FOUND as FoundHook | null,
    secret: "one",
    nowMs: 1_000,
    lookUps: 0,
    blocked: null as Promise<void> | null,
  };
  const workflow = compileWorkflow({
    name: "w",
    triggers: [{ id: triggerId, type: "webhook", signature: { secrets: ["A", "B"] } }],
    steps: [{ id: "a", type: "transform", config: { output: 1 } }],
  });
  const hooks = createHookDirectory({
    async findHook() {
      state.lookUps++;
      const { found } = state;
      await state.blocked;
      return found;
    },
    loadVersion: () => Promise.resolve(workflow),
    readSecrets: () => Promise.resolve(new Map([["A", state.secret]])),
    inputCheckOf: () => compileInputSchema(true),
    monotonicMs: () => state.nowMs,
  });
  const secretsNow = async () => {
    const hook = await hooks.find(HOOK);
    return hook.kind === "open" ? hook.secrets : hook.kind;
  };
  return { state, hooks, secretsNow };
}

it("remembers a hook, but for less than a second", async () => {
  const { state, secretsNow } = directory();
  expect(await secretsNow()).toEqual(["one"]);
  state.secret = "two";
  state.nowMs += 899;
  expect(await secretsNow()).toEqual(["one"]);
  state.nowMs += 2;
  expect(await secretsNow()).toEqual(["two"]);
  expect(state.lookUps).toBe(2);
});

it("counts that time from the beginning of the look-up", async () => {
  const { state, secretsNow } = directory();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.blocked = promise;
  const first = secretsNow();
  state.nowMs += 950;
  resolve();
  await first;
  state.secret = "two";
  expect(await secretsNow()).toEqual(["two"]);
});

it("shares one look-up between requests that come together", async () => {
  const { state, secretsNow } = directory();
  await Promise.all([secretsNow(), secretsNow(), secretsNow()]);
  expect(state.lookUps).toBe(1);
});

it("forgets at once what belongs to the tenant that a message names", async () => {
  const { state, hooks, secretsNow } = directory();
  const onChange = forgetOnChange(hooks);
  for (const [message, forgotten] of [
    [`tenant:${TENANT}`, true],
    [`tenant:${TENANT}:secret:A`, true],
    [`tenant:${OTHER_TENANT}`, false],
    [`tenant:${OTHER_TENANT}:secret:A`, false],
    ["something else", true],
    [`tenant:${TENANT}0`, true],
  ] as const) {
    await secretsNow();
    const before = state.lookUps;
    onChange(message);
    await secretsNow();
    expect([message, state.lookUps - before]).toEqual([message, forgotten ? 1 : 0]);
  }
});

it("does not remember what was looked up before a change and came back after it", async () => {
  const { state, hooks, secretsNow } = directory();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.blocked = promise;
  const early = secretsNow();
  hooks.forgetTenant(TENANT);
  state.blocked = null;
  const late = secretsNow();
  resolve();
  await Promise.all([early, late]);
  expect(state.lookUps).toBe(2);
  await secretsNow();
  expect(state.lookUps).toBe(2);
});

it("remembers neither an unknown hook nor one that takes nothing", async () => {
  const { state, secretsNow } = directory();
  for (const [found, kind] of [
    [null, "unknown"],
    [{ ...FOUND, workflowStatus: "archived" as const }, "gone"],
    [{ ...FOUND, tenantDeletedAt: new Date() }, "unknown"],
    [{ ...FOUND, triggerId: "left-out" }, "unknown"],
  ] as const) {
    state.found = found;
    expect(await secretsNow()).toBe(kind);
  }
  state.found = FOUND;
  expect(await secretsNow()).toEqual(["one"]);
});

it("remembers no failure", async () => {
  const { state, secretsNow } = directory();
  state.blocked = Promise.reject(new Error("away"));
  await expect(secretsNow()).rejects.toThrow("away");
  state.blocked = null;
  expect(await secretsNow()).toEqual(["one"]);
});

it("finds the hook anew although it is remembered", async () => {
  const { state, hooks, secretsNow } = directory();
  await secretsNow();
  state.secret = "two";
  expect(await hooks.findAnew(HOOK)).toMatchObject({ secrets: ["two"] });
  expect(await secretsNow()).toEqual(["two"]);
});
