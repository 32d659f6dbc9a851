// A service for the tests of run-service: says on stdout what it does, and stops as its arguments say.

import { createLogger } from "../src/logger.ts";
import { runService } from "../src/run-service.ts";

const [mode = "", graceMs = "5000"] = process.argv.slice(2);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await runService({
  name: "slow",
  log: createLogger({ service: "slow", level: mode === "chatty" ? "info" : "warn" }),
  graceMs: Number(graceMs),
  start: async ({ stopping }) => {
    if (mode === "fails-to-start") throw new Error("no database");
    // Holds the process as a server would.
    setInterval(() => {}, 1_000);
    stopping.addEventListener("abort", () => say("not ready"));
    if (mode === "rejects") setImmediate(() => void Promise.reject(new Error("nobody caught this")));
    if (mode === "throws") setImmediate(() => throwLater());
    process.send?.("up");
    say("up");
    return {
      drain: async (signal) => {
        say("draining");
        if (mode === "drain-fails") throw new Error("drain failed");
        if (mode === "stuck") await new Promise(() => {});
        if (mode === "lets-go") await new Promise((resolve) => signal.addEventListener("abort", resolve));
        say("drained");
      },
      close: async () => say("closed"),
    };
  },
});

function throwLater(): never {
  throw new Error("nobody caught this");
}
