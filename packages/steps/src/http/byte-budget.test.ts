import { describe, expect, it } from "vitest";
import { createByteBudget } from "./byte-budget.ts";

const never = new AbortController().signal;

describe("createByteBudget", () => {
  it("admits in order, and each only when its bytes are free", async () => {
    const budget = createByteBudget(10);
    const admitted: string[] = [];
    const take = (name: string, bytes: number) =>
      budget.take(bytes, never).then((release) => {
        admitted.push(name);
        return release;
      });
    const releaseA = await take("a", 6);
    const b = take("b", 6);
    const c = take("c", 1);
    await Promise.resolve();
    expect(admitted).toEqual(["a"]);
    releaseA();
    const releaseB = await b;
    await c;
    expect(admitted).toEqual(["a", "b", "c"]);
    releaseB();
  });

  it("counts a share once, however often it is given back", async () => {
    const budget = createByteBudget(1);
    const release = await budget.take(1, never);
    release();
    release();
    await budget.take(1, never);
    const abort = new AbortController();
    const third = budget.take(1, abort.signal);
    abort.abort(new Error("given up"));
    await expect(third).rejects.toThrow("given up");
  });

  it("lets those behind pass when the one who waits gives up", async () => {
    const budget = createByteBudget(10);
    await budget.take(6, never);
    const abort = new AbortController();
    const large = budget.take(10, abort.signal);
    const small = budget.take(4, never);
    abort.abort(new Error("given up"));
    await expect(large).rejects.toThrow("given up");
    expect(await small).toBeInstanceOf(Function);
  });

  it("gives the whole to who asks for more", async () => {
    expect(await createByteBudget(1).take(100, never)).toBeInstanceOf(Function);
  });
});
