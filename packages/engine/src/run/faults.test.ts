import { expect, it } from "vitest";
import { createFaults } from "./faults.ts";

it("puts an execution off longer each time that it fails, up to a minute, and begins anew once it went well", () => {
  const faults = createFaults();
  const putOff = Array.from({ length: 9 }, () => faults.putOffMs("e1"));
  expect(putOff).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  expect(faults.putOffMs("e2")).toBe(0);
  faults.forget("e1");
  expect(faults.putOffMs("e1")).toBe(0);
});

it("stays at a minute after any number of failures, and remembers ten thousand executions", () => {
  const faults = createFaults();
  for (let n = 0; n < 2_000; n++) expect(faults.putOffMs("e1")).toBeLessThanOrEqual(60_000);
  for (let n = 0; n < 9_999; n++) faults.putOffMs(`other ${n}`);
  expect(faults.putOffMs("e1")).toBe(60_000);
  for (let n = 0; n < 10_000; n++) faults.putOffMs(`another ${n}`);
  expect(faults.putOffMs("e1")).toBe(0);
});
