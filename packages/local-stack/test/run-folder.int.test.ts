import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createRunFolder } from "../src/index.ts";
import { writePidFile } from "../src/pid-file.ts";
import { isRunning } from "../src/process-identity.ts";

it("stops the services that still run on data below it, and is gone afterwards", async () => {
  const folder = await createRunFolder(() => {});
  const service = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const pid = service.pid ?? 0;
  await writePidFile(join(folder.path, "tmp", "keelson-e2e-1", "run", "worker-0.pid"), pid);
  expect(await isRunning(pid)).toBe(true);
  await folder.dispose();
  expect(await isRunning(pid)).toBe(false);
  await expect(stat(folder.path)).rejects.toThrow("ENOENT");
});
