import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

it("scripts/containers.sh says that it is skipped, and why, where podman is missing", () => {
  const told = execFileSync("sh", [join(import.meta.dirname, "containers.sh")], {
    encoding: "utf8",
    env: { ...process.env, KEELSON_PODMAN: "no-such-podman" },
  });
  expect(told).toMatch(/^skipped: podman is not installed .*apt-get install podman/m);
});
