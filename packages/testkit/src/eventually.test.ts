import { expect, it } from "vitest";
import { eventually } from "./eventually.ts";

it("returns what the check yields once it no longer throws", async () => {
  let calls = 0;
  const value = await eventually(
    () => {
      calls += 1;
      if (calls < 3) throw new Error("not yet");
      return calls;
    },
    { everyMs: 1 },
  );
  expect(value).toBe(3);
});

it("throws the check's own last error when time is up", async () => {
  await expect(eventually(() => Promise.reject(new Error("still wrong")), { withinMs: 0 })).rejects.toThrow(
    "still wrong",
  );
});
