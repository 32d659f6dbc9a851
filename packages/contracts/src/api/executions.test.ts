import { expect, it } from "vitest";
import { WaitQuery } from "./executions.ts";

it.each([
  ["60", 60],
  ["61", 60],
  ["86400", 60],
  ["0.3", 0.3],
  ["0", 0],
])("a wait of %s seconds counts as %d", (wait, seconds) => {
  expect(WaitQuery.parse({ wait })).toEqual({ wait: seconds });
});

it.each(["-1", "", "1e9", "soon", "1.0001"])("a wait of %j is refused", (wait) => {
  expect(WaitQuery.safeParse({ wait }).success).toBe(false);
});
