import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { judge } from "./container-stage.ts";

function run(env: Readonly<Record<string, string>>): string {
  return execFileSync("sh", [join(import.meta.dirname, "containers.sh")], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

it("scripts/containers.sh says that it is skipped, and why, where podman is missing", () => {
  const told = run({ KEELSON_PODMAN: "no-such-podman" });
  expect(told).toMatch(/^skipped: podman is not installed .*apt-get install podman/m);
  expect(judge({ ok: true, output: told })).toMatchObject({
    line: expect.stringMatching(/^- containers skipped: podman is not installed/),
    tally: { passed: 0, failed: 0 },
  });
});

it("npm test counts what the containers have proved as one that passed, and what they have not as one that failed", () => {
  expect(judge({ ok: true, output: "each service drained at SIGTERM and exited 0\n" }).tally).toEqual({
    passed: 1,
    failed: 0,
  });
  const failed = judge({ ok: false, output: "W1: 3 lost\n" });
  expect(failed).toMatchObject({ tally: { passed: 0, failed: 1 }, show: true });
  expect(judge({ ok: false, output: "skipped: nothing\n" }).tally).toEqual({ passed: 0, failed: 1 });
});
