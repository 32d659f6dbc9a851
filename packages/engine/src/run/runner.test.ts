// Time is virtual: Date and the timers are vitest's.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { http, workflowOf } from "../core/testing/steps.ts";
import { untracedExecutions, type ClaimAnswer, type ExecutionRef, type OwnedLease, type TickAnswer } from "./ports.ts";
import { after } from "./pg-clock.ts";
import { createRunner } from "./runner.ts";
import { claimed } from "./testing/world.ts";

const TTL_MS = 15_000;
const ref = (executionId: string): ExecutionRef => ({ tenantId: "tenant", executionId });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"], now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function createWorld(concurrency = 2) {
  const workflow = workflowOf([http("a")]);
  const world = {
    begun: 0,
    aborted: 0,
    retired: false,
    letGo: [] as string[],
    putOffMs: [] as number[],
    hinted: 0,
    loadVersion: () => Promise.resolve(workflow),
    owned: [] as OwnedLease[],
    claim: (refs: readonly ExecutionRef[]): Promise<ClaimAnswer[]> =>
      Promise.resolve(
        refs.map(({ executionId }) => ({ kind: "claimed" as const, execution: { ...claimed(), executionId } })),
      ),
    due: (_tenantId: string, _limit: number): Promise<ExecutionRef[]> => Promise.resolve([]),
    tick: (): Promise<TickAnswer> => Promise.resolve({ alive: true, nowAt: Date.now(), owned: world.owned }),
  };
  const never = (): Promise<never> => Promise.reject(new Error("not asked for here"));
  const runner = createRunner(
    {
      store: {
        claim: (_worker, refs) => world.claim(refs),
        due: (tenantId, limit) => world.due(tenantId, limit),
        commit: () => Promise.resolve({ kind: "applied", released: false, mail: false }),
        readInbox: () => Promise.resolve([]),
        loadOutputs: never,
        loadChildResult: never,
        letGo: (_worker, refs, inMs) => {
          world.letGo.push(...refs.map(({ executionId }) => executionId));
          world.putOffMs.push(inMs);
          return Promise.resolve();
        },
      },
      leases: {
        register: () => Promise.resolve({ workerId: "worker", nowAt: 0 }),
        tick: () => world.tick(),
        retire: () => {
          world.retired = true;
          return Promise.resolve();
        },
      },
      definitions: { loadVersion: () => world.loadVersion(), resolve: never },
      secrets: { read: never },
      tracing: untracedExecutions,
      kinds: {
        http: {
          evaluate: () => ({ kind: "request", input: null }),
          perform: ({ signal }) => {
            world.begun += 1;
            signal.addEventListener("abort", () => (world.aborted += 1));
            return new Promise(() => undefined);
          },
        },
        transform: { evaluate: never },
        condition: { evaluate: never },
        delay: { evaluate: never },
        subworkflow: { evaluate: never },
      },
      checkInput: () => [],
      clock: { nowAt: () => Date.now(), monotonicMs: () => Date.now(), random: () => 0, newId: () => "id", after },
      calibrate: () => undefined,
      hints: { wake: () => void (world.hinted += 1), mail: () => undefined },
      observer: { committed: () => undefined, attempted: () => undefined },
      log: {
        sessionFailed: () => undefined,
        incarnationBegan: () => undefined,
        incarnationLost: () => undefined,
        tickFailed: () => undefined,
        leaseGivenBack: () => undefined,
      },
    },
    { name: "under-test", leaseTtlMs: TTL_MS, concurrency },
  );
  return { runner, world };
}

describe("a stop", () => {
  it("waits for a claim under way, and gives back what it took before an effect of it begins", async () => {
    const { runner, world } = createWorld();
    await runner.tick();
    const answer = Promise.withResolvers<ClaimAnswer[]>();
    world.claim = () => answer.promise;
    const offered = runner.offer(ref("e1"));
    await vi.advanceTimersByTimeAsync(0);
    const stopped = runner.stop(20_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.retired).toBe(false);
    answer.resolve([{ kind: "claimed", execution: { ...claimed(), executionId: "e1" } }]);
    await offered;
    await stopped;
    expect(world).toMatchObject({ begun: 0, letGo: ["e1"], retired: true });
  });

  it("gives back what still waits for its turn alone when the grace time is over", async () => {
    const { runner, world } = createWorld();
    await runner.tick();
    await runner.offer(ref("e1"));
    world.claim = (refs) =>
      Promise.resolve(
        refs.map(({ executionId }) => ({ kind: "claimed", execution: { ...claimed(), executionId, losses: 2 } })),
      );
    await runner.offer(ref("e2"));
    await vi.advanceTimersByTimeAsync(0);
    expect(world.begun).toBe(1);
    const stopped = runner.stop(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await stopped;
    expect(world).toMatchObject({ begun: 1, aborted: 1, letGo: ["e1", "e2"], retired: true });
  });
});

describe("an execution whose definition cannot be read", () => {
  it("is put off longer each time, without a hint, and begins once it can be read", async () => {
    const { runner, world } = createWorld();
    await runner.tick();
    const { loadVersion } = world;
    world.loadVersion = () => Promise.reject(new Error("Unknown step type"));
    for (let n = 0; n < 4; n++) {
      await runner.offer(ref("e1"));
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(world).toMatchObject({ putOffMs: [0, 1_000, 2_000, 4_000], hinted: 0, begun: 0 });
    world.loadVersion = loadVersion;
    await runner.offer(ref("e1"));
    await vi.advanceTimersByTimeAsync(0);
    expect(world.begun).toBe(1);
  });
});

describe("a renewal that PostgreSQL keeps waiting", () => {
  it("does not keep effects running when the lease may have expired", async () => {
    const { runner, world } = createWorld();
    await runner.tick();
    await runner.offer(ref("e1"));
    await vi.advanceTimersByTimeAsync(0);
    world.tick = () => new Promise(() => undefined);
    void runner.tick();
    await vi.advanceTimersByTimeAsync(TTL_MS - 1_000);
    expect(world).toMatchObject({ begun: 1, aborted: 1 });
  });
});

describe("a lease that this process does not know of", () => {
  it("is given back when it is seen twice, and not when the execution was taken anew in between (T3)", async () => {
    const { runner, world } = createWorld();
    for (const epoch of [1, 2, 3]) {
      world.owned = [{ ...ref("e1"), epoch, mail: false }];
      await runner.tick();
    }
    expect(world.letGo).toEqual([]);
    await runner.tick();
    expect(world.letGo).toEqual(["e1"]);
  });
});

describe("offers", () => {
  it("that find no room are counted, so that nobody heaps up more of them", async () => {
    const { runner } = createWorld(1);
    await runner.tick();
    await runner.offer(ref("e1"));
    void runner.offer(ref("e2"));
    void runner.offer(ref("e3"));
    await vi.advanceTimersByTimeAsync(0);
    expect(runner.waiting).toBe(2);
  });

  it("of what waits here already take no second place", async () => {
    const { runner } = createWorld(1);
    await runner.tick();
    await runner.offer(ref("e1"));
    void runner.offer(ref("e2"));
    await runner.offer(ref("e2"));
    expect(runner.waiting).toBe(1);
  });

  it("are let go by while others of the tenant, which are due before, have been", async () => {
    const { runner, world } = createWorld(2);
    await runner.tick();
    const claim = world.claim;
    world.claim = async (refs) =>
      (await claim(refs)).map((answer, n) =>
        refs[n]?.executionId === "e1" ? { kind: "none" as const, ref: ref("e1") } : answer,
      );
    for (const id of ["e1", "e2", "e3", "e4", "e5", "e6"]) void runner.offer(ref(id));
    expect(runner.waiting).toBe(4);
    await runner.offer(ref("e7"));
    await vi.advanceTimersByTimeAsync(0);
    expect(runner.waiting).toBe(3);
    void runner.offer(ref("e8"));
    await vi.advanceTimersByTimeAsync(0);
    expect(runner.waiting).toBe(3);
  });
});
