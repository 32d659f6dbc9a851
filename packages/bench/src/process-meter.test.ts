import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { measureUsage } from "./process-meter.ts";

const SPIN = "const end = performance.now() + 300; while (performance.now() < end);";

it.runIf(process.platform === "linux")(
  "counts what a process's children have used, those that have ended too",
  async () => {
    const script = `require("node:child_process").execFileSync(process.execPath, ["-e", ${JSON.stringify(SPIN)}]); console.log("done"); process.stdin.resume()`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      const usages = await measureUsage({ family: [child.pid ?? 0], nobody: [] });
      expect(usages?.family.cpuMs).toBeGreaterThanOrEqual(100);
      expect(usages?.family.peakRssBytes).toBeGreaterThan(10 * 1024 ** 2);
      expect(usages?.nobody).toEqual({ cpuMs: 0, peakRssBytes: 0 });
    } finally {
      child.stdin.end();
      child.kill("SIGKILL");
    }
  },
);
