import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createMailbox } from "./mailbox.ts";
import { after } from "./pg-clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Whether the wait has ended by now. */
async function hasEnded(wait: Promise<void>): Promise<boolean> {
  let ended = false;
  void wait.then(() => (ended = true));
  await vi.advanceTimersByTimeAsync(0);
  return ended;
}

describe("a mailbox", () => {
  it("hands out what was put in, in that order, then nothing", () => {
    const mailbox = createMailbox<number>({ after });
    mailbox.put(1);
    mailbox.put(2);
    expect([mailbox.take(), mailbox.take(), mailbox.take()]).toEqual([1, 2, undefined]);
  });

  it("ends a wait at once where something is there already", async () => {
    const mailbox = createMailbox<number>({ after });
    mailbox.put(1);
    expect(await hasEnded(mailbox.arrival(null))).toBe(true);
    expect(mailbox.take()).toBe(1);
  });

  it("ends a wait when something is put in, or when it is woken", async () => {
    const mailbox = createMailbox<number>({ after });
    for (const happens of [() => mailbox.put(1), () => mailbox.wake()]) {
      const wait = mailbox.arrival(null);
      expect(await hasEnded(wait)).toBe(false);
      happens();
      expect(await hasEnded(wait)).toBe(true);
      mailbox.take();
    }
  });

  it("does not lose a wake that comes before the wait, and spends it on that one", async () => {
    const mailbox = createMailbox<number>({ after });
    mailbox.wake();
    expect(await hasEnded(mailbox.arrival(null))).toBe(true);
    expect(await hasEnded(mailbox.arrival(null))).toBe(false);
  });

  it("ends a wait when its time is up, not before, and leaves no timer behind", async () => {
    const mailbox = createMailbox<number>({ after });
    const wait = mailbox.arrival(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(await hasEnded(wait)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await hasEnded(wait)).toBe(true);
    const cut = mailbox.arrival(1000);
    mailbox.wake();
    await cut;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not return at once from a wait longer than a timer of Node.js can be", async () => {
    const mailbox = createMailbox<number>({ after });
    expect(await hasEnded(mailbox.arrival(365 * 24 * 3_600_000))).toBe(false);
  });

  it("treats a time that has passed as now", async () => {
    expect(await hasEnded(createMailbox<number>({ after }).arrival(-5))).toBe(true);
  });
});
