// A database that was put back to an earlier moment, while a worker that came after that moment lives on.
import { afterAll, beforeAll, expect, it } from "vitest";
import { claimOne, commitOne, factsOf, registerWorker, startOne, succeededStep, itemOf } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

it("lets a worker that outlived the restore commit nothing, though epoch and seq fit again (I2)", async () => {
  const one = await startOne(world, { tenantId: await world.tenant() });
  const outlived = await registerWorker(world);
  const before = await claimOne(world, outlived, one);

  // As the backup has it: the worker was not there yet, and whatever counts workers stands where it stood.
  await world.admin.query(
    "update keelson.executions set owner = null, epoch = 0, wake_at = now(), sweep_at = now() where id = $1",
    [one.executionId],
  );
  await world.admin.query("delete from keelson.workers where id = $1", [outlived]);
  await world.admin.query("select setval(pg_get_serial_sequence('keelson.workers', 'id'), $1, false)", [outlived]);

  const successor = await registerWorker(world);
  const after = await claimOne(world, successor, one);
  expect([after.epoch, after.seq]).toEqual([before.epoch, before.seq]);
  const late = itemOf(before, { steps: [succeededStep("ghost", 1)] });
  expect(await commitOne(world, outlived, late)).toEqual({ kind: "fenced" });
  expect(await commitOne(world, successor, itemOf(after))).toMatchObject({ kind: "applied" });
  expect(await factsOf(world, one)).toMatchObject({ owner: successor });
});
