// Runs the order workflow once, as a user would: over HTTP alone. Sets up a tenant with its secrets and workflows, sends
// one signed webhook, and tells of each step as it ends.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Client, type Engine, type Execution, newTenant, sendWebhook, type StepRun } from "../client.ts";
import { signedHeaders } from "../sign.mjs";
import { startStandIns } from "./stand-ins.mjs";

export type OrderExecution = Execution;

const ENDED = new Set(["succeeded", "failed", "skipped", "cancelled"]);
/** Where the document expects the stand-ins. */
const WRITTEN_FOR = "http://127.0.0.1:4100";

/** Prints as it goes and answers with the ended execution. Throws where the engine refuses anything. */
export async function runOrderWorkflow(engine: Engine, print: (line: string) => void): Promise<OrderExecution> {
  const standIns = await startStandIns({ port: 0 });
  try {
    const client = await newTenant(engine, "demo");
    const secret = `whsec_${randomBytes(24).toString("base64")}`;
    const hookUrl = await setUp(client, secret, standIns.url);
    const body = await readFile(join(import.meta.dirname, "payload.json"));
    const sentMs = performance.now();
    const accepted = await sendWebhook(hookUrl, body, signedHeaders("standard", secret, body));
    print(`webhook   202 in ${Math.round(performance.now() - sentMs)} ms → execution ${accepted.executionId}`);
    return await watch(client, accepted.executionId, print);
  } finally {
    await standIns.close();
  }
}

async function setUp(client: Client, secret: string, standInsUrl: string): Promise<string> {
  await client.call("PUT", "/v1/secrets/ORDERS_WEBHOOK", { value: secret });
  await client.call("PUT", "/v1/secrets/PAY_TOKEN", { value: "a-token-of-the-payment-service" });
  await client.save(join(import.meta.dirname, "manual-review.json"), WRITTEN_FOR, standInsUrl);
  const hookUrl = await client.save(join(import.meta.dirname, "workflow.json"), WRITTEN_FOR, standInsUrl);
  if (hookUrl === undefined) throw new Error("The workflow was saved, but its webhook has no url");
  return hookUrl;
}

async function watch(client: Client, id: string, print: (line: string) => void): Promise<Execution> {
  const told = new Set<string>();
  const execution = await client.ended(id, ({ steps }) => {
    const news = steps.filter((step) => ENDED.has(step.status) && !told.has(step.id));
    for (const step of news.sort((a, b) => (a.finishedAt ?? "").localeCompare(b.finishedAt ?? ""))) {
      told.add(step.id);
      print(stepLine(step));
    }
  });
  const tookMs = Date.parse(execution.finishedAt ?? "") - Date.parse(execution.startedAt);
  print(`execution ${execution.status} in ${tookMs} ms, output ${JSON.stringify(execution.output)}`);
  return execution;
}

function stepLine(step: StepRun): string {
  const took =
    step.startedAt === null || step.finishedAt === null
      ? ""
      : `${Date.parse(step.finishedAt) - Date.parse(step.startedAt)} ms`;
  return `step      ${step.id.padEnd(9)} ${step.type.padEnd(11)} ${step.status.padEnd(9)} ${took}`.trimEnd();
}
