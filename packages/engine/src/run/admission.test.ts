import { describe, expect, it } from "vitest";
import { createAdmission } from "./admission.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("admission", () => {
  it("lets in as many as there is room for, the rest in the order of their asking", async () => {
    const admission = createAdmission(2);
    const entered: number[] = [];
    const leaves = [1, 2, 3, 4].map((n) =>
      admission.enter("t").then((leave) => {
        entered.push(n);
        return leave;
      }),
    );
    await turn();
    expect(entered).toEqual([1, 2]);
    (await leaves[1]!)();
    await turn();
    expect(entered).toEqual([1, 2, 3]);
    expect(admission.active).toBe(2);
  });

  it("counts a second leave of the same one for nothing", async () => {
    const admission = createAdmission(2);
    const leave = await admission.enter("t");
    await admission.enter("t");
    leave();
    leave();
    expect(admission.active).toBe(1);
  });

  it("lets a suspect in alone: after all others have left, and nobody else meanwhile (T13)", async () => {
    const admission = createAdmission(4);
    const happened: string[] = [];
    const leave = await admission.enter("t");
    const gate = Promise.withResolvers<void>();
    const alone = admission.alone(async () => {
      happened.push("alone");
      await gate.promise;
      happened.push("done");
    });
    const later = admission.enter("t").then(() => happened.push("entered"));
    await turn();
    expect(happened).toEqual([]);
    leave();
    await turn();
    expect(happened).toEqual(["alone"]);
    gate.resolve();
    await Promise.all([alone, later]);
    expect(happened).toEqual(["alone", "done", "entered"]);
  });

  it("lets one suspect in at a time: the next is turned away from when the first waits until it has ended", async () => {
    const admission = createAdmission(4);
    let together = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const work = async () => {
      together += 1;
      most = Math.max(most, together);
      await gate.promise;
      together -= 1;
    };
    const leave = await admission.enter("t");
    const first = admission.alone(work);
    expect(admission.alone(work)).toBeNull();
    leave();
    await turn();
    expect(admission.alone(work)).toBeNull();
    gate.resolve();
    await first;
    await admission.alone(work);
    expect(most).toBe(1);
  });

  it("opens again after a suspect that failed", async () => {
    const admission = createAdmission(1);
    await expect(admission.alone(() => Promise.reject(new Error("poison")))).rejects.toThrow("poison");
    expect(await admission.alone(() => Promise.resolve("next"))).toBe("next");
    await admission.enter("t");
    expect(admission.active).toBe(1);
  });
});

describe("tenants", () => {
  it("take turns, whoever asked first or most", async () => {
    const admission = createAdmission(1);
    const entered: string[] = [];
    const leaves: (() => void)[] = [];
    const enter = (tenantId: string) =>
      void admission.enter(tenantId).then((leave) => {
        entered.push(tenantId);
        leaves.push(leave);
      });
    for (const tenantId of ["a", "a", "a", "a", "b", "b", "c"]) enter(tenantId);
    for (let n = 0; n < 9; n += 1) {
      await turn();
      leaves.shift()?.();
    }
    // The first b enters beside the a that holds the only place.
    expect(entered).toEqual(["a", "b", "a", "b", "c", "a", "a"]);
    expect(admission.active).toBe(0);
  });

  it("with nothing in progress find room, though another holds every place for long", async () => {
    const admission = createAdmission(8);
    for (let n = 0; n < 20; n += 1) void admission.enter("greedy");
    await turn();
    expect(admission.active).toBe(8);
    const entered = admission.enter("modest");
    const second = admission.enter("modest");
    await entered;
    expect(admission.active).toBe(9);
    void second.then(() => expect.unreachable("the reserve is for who has nothing here"));
    await turn();
    expect(admission.waitingOf("modest")).toBe(1);
  });

  it("share what may wait, each as much as any other", async () => {
    const admission = createAdmission(4);
    expect(admission.roomFor("a")).toBe(8);
    for (let n = 0; n < 12; n += 1) void admission.enter("a");
    await turn();
    expect([admission.waitingOf("a"), admission.roomFor("a"), admission.waiting]).toEqual([8, 0, 8]);
    // One of b has entered into the reserve, the next one waits.
    for (let n = 0; n < 2; n += 1) void admission.enter("b");
    await turn();
    expect([admission.roomFor("a"), admission.roomFor("b"), admission.roomFor("c")]).toEqual([0, 3, 2]);
  });
});
