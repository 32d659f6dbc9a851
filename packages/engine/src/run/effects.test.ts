import { expect, it } from "vitest";
import { http } from "../core/testing/steps.ts";
import { World } from "./testing/world.ts";

it("tells the reader of the execution that an attempt could not be prepared, and the log alone why", async () => {
  const world = new World([{ ...http("a"), config: { url: "https://target.example/{{ secrets.KEY }}" } }]);
  const why = new Error('permission denied for table "secrets" on 10.0.0.7');
  world.secretsGate = Promise.reject(why);
  expect(await world.session.run()).toBe("ended");
  expect(world.row.steps.get("a")).toMatchObject({
    status: "failed",
    error: { code: "HTTP_NETWORK", message: "The attempt could not be prepared; nothing was sent" },
    inDoubt: false,
  });
  expect(JSON.stringify(world.commits)).not.toContain("permission denied");
  expect(world.reports).toMatchObject([{ stepId: "a", outcome: "HTTP_NETWORK", cause: why }]);
});
