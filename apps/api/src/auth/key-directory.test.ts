import { DEFAULT_TENANT_LIMITS } from "@keelson/contracts";
import { describe, expect, it } from "vitest";
import { type KeyVerdict, createKeyDirectory } from "./key-directory.ts";

const KEY = "kee_1";

describe("the key directory", () => {
  it("asks once for look-ups that come together, and not again within a second", async () => {
    const { directory, clock, lookUps } = directoryOf(caller());
    const answers = await Promise.all([directory.find(KEY), directory.find(KEY)]);
    expect(answers.map((answer) => answer.kind)).toEqual(["caller", "caller"]);
    clock.ms += 800;
    await directory.find(KEY);
    expect(lookUps.count).toBe(1);
  });

  it("asks again before a second is over, counted from before the look-up", async () => {
    const { directory, clock, lookUps } = directoryOf(caller());
    lookUps.takesMs = 500;
    await directory.find(KEY);
    clock.ms += 450;
    await directory.find(KEY);
    expect(lookUps.count).toBe(2);
  });

  it("forgets a key, or all of a tenant's, at once", async () => {
    const { directory, lookUps } = directoryOf(caller());
    await directory.find(KEY);
    directory.forget({ tenantId: "t1", keyId: "other" });
    directory.forget({ tenantId: "t2" });
    await directory.find(KEY);
    expect(lookUps.count).toBe(1);
    directory.forget({ tenantId: "t1", keyId: "k1" });
    await directory.find(KEY);
    expect(lookUps.count).toBe(2);
    directory.forget({ tenantId: "t1" });
    await directory.find(KEY);
    expect(lookUps.count).toBe(3);
  });

  it("neither remembers nor shares what was looked up before a change was told of (K1)", async () => {
    const { directory, lookUps } = directoryOf(caller());
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    lookUps.gate = gate;
    const before = directory.find(KEY);
    directory.forget({ tenantId: "t1" });
    const after = directory.find(KEY);
    open();
    await Promise.all([before, after]);
    expect(lookUps.count).toBe(2);
  });

  it("refuses a key from the moment it expires, though it is remembered", async () => {
    const { directory, clock } = directoryOf(caller(300));
    expect((await directory.find(KEY)).kind).toBe("caller");
    clock.ms += 300;
    expect(await directory.find(KEY)).toEqual({ kind: "refused", reason: "expired" });
  });

  it("never remembers a refusal, nor a look-up that failed", async () => {
    const { directory, lookUps } = directoryOf({ kind: "refused", reason: "unknown" });
    await directory.find(KEY);
    await directory.find(KEY);
    expect(lookUps.count).toBe(2);
    lookUps.gate = Promise.reject(new Error("no database"));
    await expect(directory.find(KEY)).rejects.toThrow("no database");
    lookUps.gate = Promise.resolve();
    expect((await directory.find(KEY)).kind).toBe("refused");
  });
});

function directoryOf(verdict: KeyVerdict) {
  const clock = { ms: 0 };
  const lookUps = { count: 0, takesMs: 0, gate: Promise.resolve() };
  const directory = createKeyDirectory({
    lookUp: async () => {
      lookUps.count++;
      await lookUps.gate;
      clock.ms += lookUps.takesMs;
      return verdict;
    },
    monotonicMs: () => clock.ms,
  });
  return { directory, clock, lookUps };
}

function caller(expiresInMs: number | null = null): KeyVerdict {
  return {
    kind: "caller",
    expiresInMs,
    caller: {
      kind: "apiKey",
      tenant: { id: "t1", slug: "t1", name: "T1" },
      limits: DEFAULT_TENANT_LIMITS,
      apiKey: { id: "k1", name: "k", prefix: "kee_x", scopes: ["read"], expiresAt: null },
    },
  };
}
