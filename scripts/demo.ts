// npm run demo: one signed webhook through the example order workflow, on an engine of its own that is stopped at the end.
import { resolve } from "node:path";
import { runOrderWorkflow, type OrderExecution } from "@keelson/examples/order-fulfilment";
import { isPortFree, type Stack, type StackOptions } from "@keelson/local-stack";
import { readEnv, type StackEnv } from "./env.ts";
import { createReport, explain } from "./report.ts";
import { startEngine } from "./start-engine.ts";
import { exitCodeOf, watchStopWish } from "./stop-wish.ts";

/** The stand-ins for the payment, shipping and notification services listen on this machine. */
const STAND_INS = "127.0.0.1/32,::1/128";

const stop = watchStopWish();
const report = createReport();
const env = readEnv();
const exitCode = await demo(env).catch((error: unknown) => {
  if (!stop.signal.aborted) report.line(explain(error));
  return 1;
});
process.exit(stop.signal.aborted ? exitCodeOf(stop.signal) : exitCode);

async function demo(settings: StackEnv): Promise<number> {
  const stack = await startEngine({
    env: settings,
    dataDir: settings.KEELSON_DATA_DIR ?? resolve(".keelson", "demo"),
    egressAllow: [settings.KEELSON_EGRESS_ALLOW, STAND_INS].filter((cidrs) => cidrs !== "").join(","),
    ports: await freePortsLike(settings),
    report,
    signal: stop.signal,
  });
  try {
    const execution = await Promise.race([order(stack), stop.wished]);
    if (typeof execution === "string") return 1;
    if (execution.status === "succeeded") return 0;
    report.line(`The execution ended ${execution.status}: ${execution.error?.message ?? "no reason was given"}`);
    return 1;
  } finally {
    await report.stage("stopped", stack.stop);
  }
}

async function order(stack: Stack): Promise<OrderExecution> {
  const { api, ingress } = stack.urls;
  return runOrderWorkflow({ api, ingress, adminToken: stack.adminToken }, (line) => {
    process.stdout.write(`${line}\n`);
  });
}

/** The usual ports where they are free; else any. */
async function freePortsLike(settings: StackEnv): Promise<NonNullable<StackOptions["ports"]>> {
  const orAny = async (port: number): Promise<number> => ((await isPortFree(port, settings.BIND_ADDRESS)) ? port : 0);
  return {
    api: await orAny(settings.API_PORT),
    ingress: await orAny(settings.INGRESS_PORT),
    scheduler: await orAny(settings.SCHEDULER_PORT),
    worker: await orAny(settings.WORKER_PORT),
  };
}
