import { expect, it } from "vitest";
import { bytesOf, perExecution, type TableSize } from "./storage.ts";

const size = (table: string, bytes: number, dead = 0): TableSize => ({
  table,
  heapBytes: bytes,
  indexBytes: bytes / 2,
  toastBytes: 0,
  inserted: bytes / 100,
  dead,
  hot: 0,
});

it("takes off what was there before, divides by the executions, and leaves out what has not changed", () => {
  const before = [size("small", 1_000), size("large", 0), size("still", 500)];
  const after = [size("small", 3_000, 40), size("large", 60_000), size("still", 500)];
  const each = perExecution(before, after, 20);
  expect(each.map(({ table, heapBytes, indexBytes, dead }) => [table, heapBytes, indexBytes, dead])).toEqual([
    ["large", 3_000, 1_500, 0],
    ["small", 100, 50, 2],
  ]);
  expect(each.map(bytesOf)).toEqual([4_500, 150]);
});
