import { expect, it } from "vitest";
import { createFewAtOnce } from "./few-at-once.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

it("lets no more run at once than it may, in the order of their asking, whatever became of those before", async () => {
  const few = createFewAtOnce(2);
  const began: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const all = gates.map(({ promise }, n) => few.run(() => (began.push(n), promise)).catch(() => undefined));
  await turn();
  expect(began).toEqual([0, 1]);
  gates[1]?.reject(new Error("broke"));
  await turn();
  expect(began).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(all);
  expect(began).toEqual([0, 1, 2, 3, 4]);
  await few.run(async () => void began.push(5));
  expect(began.at(-1)).toBe(5);
});
