import { Readable } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createByteBudget } from "./byte-budget.ts";
import { createBodyReader, LARGE_BODY_MS, SlowBody } from "./read-body.ts";

const never = new AbortController().signal;
const headOf = (body: Readable, encoding: readonly string[] = []) => ({
  status: 200,
  headers: new Map([["content-encoding", encoding]]),
  body,
});

describe("createBodyReader", () => {
  it("gives a large body that does not come on its share back to others in time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const budget = createByteBudget(1);
    const slow = new Readable({ read: () => undefined });
    slow.push(Buffer.alloc(300 * 1024));
    const reading = createBodyReader(headOf(slow), budget, never).read();
    const failure = reading.catch((error: unknown) => error);
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
    vi.advanceTimersByTime(LARGE_BODY_MS);
    expect(await failure).toBeInstanceOf(SlowBody);
    expect(await budget.take(1, never)).toBeInstanceOf(Function);
  });

  it("leaves small bodies alone, however slow", async () => {
    const budget = createByteBudget(1);
    await budget.take(1, never);
    const body = Readable.from([Buffer.from("a"), Buffer.from("b")]);
    const reader = createBodyReader(headOf(body), budget, never);
    expect(await reader.read()).toBe("complete");
    expect(reader.received.bytes().toString()).toBe("ab");
  });

  it("gives its share back when the body breaks", async () => {
    const budget = createByteBudget(1);
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(300 * 1024);
        throw new Error("broken");
      })(),
    );
    await expect(createBodyReader(headOf(body), budget, never).read()).rejects.toThrow("broken");
    expect(await budget.take(1, never)).toBeInstanceOf(Function);
  });
});
