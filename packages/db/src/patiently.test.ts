import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { patiently } from "./patiently.ts";

const away = () => Promise.reject(Object.assign(new Error("the database system is starting up"), { code: "57P03" }));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("patiently", () => {
  it("asks again until PostgreSQL is back", async () => {
    const read = vi.fn<() => Promise<string>>(away);
    const answer = patiently(read);
    await vi.advanceTimersByTimeAsync(3_000);
    read.mockResolvedValue("here");
    await vi.advanceTimersByTimeAsync(200);
    expect(await answer).toBe("here");
  });

  it("gives up after ten seconds, with PostgreSQL's own error", async () => {
    const failure = patiently(away).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(await failure).toMatchObject({ code: "57P03" });
  });

  it("asks once where PostgreSQL refuses", async () => {
    const read = vi.fn<() => Promise<string>>(() =>
      Promise.reject(Object.assign(new Error("denied"), { code: "42501" })),
    );
    await expect(patiently(read)).rejects.toThrow("denied");
    expect(read).toHaveBeenCalledTimes(1);
  });
});
