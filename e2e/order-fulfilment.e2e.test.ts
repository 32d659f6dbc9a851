// The example as its readers run it: from a signed webhook to the parcel's tracking number, over HTTP alone.
import { runOrderWorkflow } from "@keelson/examples/order-fulfilment";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEngine, type Engine } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

it("takes a large order over review, charge, delay and parcel to the customer, and tells of each step", async () => {
  const { urls, adminToken } = engine.stack;
  const lines: string[] = [];
  const execution = await runOrderWorkflow({ ...urls, adminToken }, (line) => lines.push(line));
  expect(execution.status).toBe("succeeded");
  expect(execution.output).toEqual({ tracking: "TRACK-ORDER-1042" });
  expect(execution.steps.map((step) => `${step.id} ${step.status}`)).toEqual([
    "shape succeeded",
    "big succeeded",
    "review succeeded",
    "charge succeeded",
    "cool_off succeeded",
    "ship succeeded",
    "tell succeeded",
    "alert skipped",
  ]);
  for (const step of execution.steps) expect(lines.some((line) => line.includes(` ${step.id} `))).toBe(true);
  expect(await violations(engine)).toEqual([]);
});
