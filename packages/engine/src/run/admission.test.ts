import { describe, expect, it } from "vitest";
import { createAdmission } from "./admission.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("admission", () => {
  it("lets in as many as there is room for, the rest in the order of their asking", async () => {
    const admission = createAdmission(2);
    const entered: number[] = [];
    const leaves = [1, 2, 3, 4].map((n) =>
      admission.enter().then((leave) => {
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
    const leave = await admission.enter();
    await admission.enter();
    leave();
    leave();
    expect(admission.active).toBe(1);
  });

  it("lets a suspect in alone: after all others have left, and nobody else meanwhile (T13)", async () => {
    const admission = createAdmission(4);
    const happened: string[] = [];
    const leave = await admission.enter();
    const gate = Promise.withResolvers<void>();
    const alone = admission.alone(async () => {
      happened.push("alone");
      await gate.promise;
      happened.push("done");
    });
    const later = admission.enter().then(() => happened.push("entered"));
    await turn();
    expect(happened).toEqual([]);
    leave();
    await turn();
    expect(happened).toEqual(["alone"]);
    gate.resolve();
    await Promise.all([alone, later]);
    expect(happened).toEqual(["alone", "done", "entered"]);
  });

  it("lets suspects in one after the other", async () => {
    const admission = createAdmission(4);
    let together = 0;
    let most = 0;
    const work = async () => {
      together += 1;
      most = Math.max(most, together);
      await turn();
      together -= 1;
    };
    await Promise.all([admission.alone(work), admission.alone(work), admission.alone(work)]);
    expect(most).toBe(1);
  });

  it("opens again after a suspect that failed", async () => {
    const admission = createAdmission(1);
    await expect(admission.alone(() => Promise.reject(new Error("poison")))).rejects.toThrow("poison");
    expect(await admission.alone(() => Promise.resolve("next"))).toBe("next");
    await admission.enter();
    expect(admission.active).toBe(1);
  });
});
