// npm start: the engine in the foreground until somebody wants it to stop. One line of JSON on stdout says it is ready.
import { resolve } from "node:path";
import type { Stack } from "@keelson/local-stack";
import { readEnv, type StackEnv } from "./env.ts";
import { createReport, explain } from "./report.ts";
import { startEngine } from "./start-engine.ts";
import { watchStopWish } from "./stop-wish.ts";

const stop = watchStopWish();
const report = createReport();
const env = readEnv();

try {
  const stack = await start(env);
  process.stdout.write(`${readyLine(stack)}\n`);
  report.line(`stopping (${await stop.wished})`);
  await report.stage("stopped", stack.stop);
} catch (error) {
  // Wanted to stop while starting: all that had been started is stopped by now.
  if (!stop.signal.aborted) {
    report.line(explain(error));
    process.exit(1);
  }
}
process.exit(0);

async function start(settings: StackEnv): Promise<Stack> {
  return startEngine({
    env: settings,
    dataDir: settings.KEELSON_DATA_DIR ?? resolve(".keelson"),
    egressAllow: settings.KEELSON_EGRESS_ALLOW,
    ports: {
      api: settings.API_PORT,
      ingress: settings.INGRESS_PORT,
      scheduler: settings.SCHEDULER_PORT,
      worker: settings.WORKER_PORT,
    },
    report,
    signal: stop.signal,
  });
}

function readyLine(stack: Stack): string {
  const { api, ingress } = stack.urls;
  return JSON.stringify({ ready: true, api, ingress, adminToken: stack.adminToken, pids: stack.pids() });
}
