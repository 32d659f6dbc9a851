// Each start and each end of an execution counts once, whatever it was and whatever dies on the way to the counts.
import { LATENCY_BOUNDS_MS } from "@keelson/contracts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { foldCountsOnce } from "../src/index.ts";
import { claimOne, commitOne, endOf, registerWorker, startOne } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

it("has the same bounds in PostgreSQL as in TypeScript", async () => {
  const { rows } = await world.admin.query<{ bounds: string[] }>("select keelson.latency_bounds() as bounds");
  expect(rows[0]!.bounds.map(Number)).toEqual(LATENCY_BOUNDS_MS);
});

it("counts", async () => {
  const one = await startOne(world);
  const worker = await registerWorker(world);
  await commitOne(world, worker, endOf(await claimOne(world, worker, one)));
  expect(await foldCountsOnce(world.dispatcher)).toBe(2);
});
