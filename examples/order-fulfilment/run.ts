// Runs the order workflow once, as a user would: over HTTP alone. Sets up a tenant with its secrets and workflows, sends
// one signed webhook, and tells of each step as it ends.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { signedHeaders } from "./sign.mjs";
import { startStandIns } from "./stand-ins.mjs";

export interface Engine {
  readonly api: string;
  readonly ingress: string;
  readonly adminToken: string;
}

interface StepRun {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface OrderExecution {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
  readonly error: { readonly message: string } | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly steps: readonly StepRun[];
}

const ENDED = new Set(["succeeded", "failed", "skipped", "cancelled"]);
const WRITTEN_FOR = "http://127.0.0.1:4100";
const POLL_MS = 40;

/** Prints as it goes and answers with the ended execution. Throws where the engine refuses anything. */
export async function runOrderWorkflow(engine: Engine, print: (line: string) => void): Promise<OrderExecution> {
  const standIns = await startStandIns({ port: 0 });
  try {
    const { apiKey, hookUrl, secret } = await setUp(engine, standIns.url);
    const body = await readFile(join(import.meta.dirname, "payload.json"));
    const sentMs = performance.now();
    const accepted = await request<{ executionId: string }>(hookUrl, {
      method: "POST",
      headers: { "content-type": "application/json", ...signedHeaders(secret, body) },
      body,
    });
    print(`webhook   202 in ${Math.round(performance.now() - sentMs)} ms → execution ${accepted.executionId}`);
    return await watch(engine, apiKey, accepted.executionId, print);
  } finally {
    await standIns.close();
  }
}

async function setUp(engine: Engine, standInsUrl: string) {
  const slug = `demo-${randomBytes(4).toString("hex")}`;
  const tenant = await call<{ apiKey: { key: string } }>(engine, engine.adminToken, "POST", "/v1/tenants", {
    slug,
    name: "Demo",
  });
  const apiKey = tenant.apiKey.key;
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  await call(engine, apiKey, "PUT", "/v1/secrets/ORDERS_WEBHOOK", { value: secret });
  await call(engine, apiKey, "PUT", "/v1/secrets/PAY_TOKEN", { value: "a-token-of-the-payment-service" });
  await call(engine, apiKey, "PUT", "/v1/workflows/manual-review", await document("manual-review.json", standInsUrl));
  const workflow = await call<{ triggers: { url: string }[] }>(
    engine,
    apiKey,
    "PUT",
    "/v1/workflows/order-fulfilment",
    await document("workflow.json", standInsUrl),
  );
  const hookUrl = workflow.triggers[0]?.url;
  if (hookUrl === undefined) throw new Error("The workflow was saved, but its webhook has no url");
  return { apiKey, hookUrl, secret };
}

async function document(file: string, standInsUrl: string): Promise<unknown> {
  const text = await readFile(join(import.meta.dirname, file), "utf8");
  return JSON.parse(text.replaceAll(WRITTEN_FOR, standInsUrl));
}

async function watch(
  engine: Engine,
  apiKey: string,
  id: string,
  print: (line: string) => void,
): Promise<OrderExecution> {
  const told = new Set<string>();
  for (;;) {
    const execution = await call<OrderExecution>(engine, apiKey, "GET", `/v1/executions/${id}`);
    const news = execution.steps.filter((step) => ENDED.has(step.status) && !told.has(step.id));
    for (const step of news.sort((a, b) => (a.finishedAt ?? "").localeCompare(b.finishedAt ?? ""))) {
      told.add(step.id);
      print(stepLine(step));
    }
    if (execution.finishedAt !== null) {
      const tookMs = Date.parse(execution.finishedAt) - Date.parse(execution.startedAt);
      print(`execution ${execution.status} in ${tookMs} ms, output ${JSON.stringify(execution.output)}`);
      return execution;
    }
    await sleep(POLL_MS);
  }
}

function stepLine(step: StepRun): string {
  const took =
    step.startedAt === null || step.finishedAt === null
      ? ""
      : `${Date.parse(step.finishedAt) - Date.parse(step.startedAt)} ms`;
  return `step      ${step.id.padEnd(9)} ${step.type.padEnd(11)} ${step.status.padEnd(9)} ${took}`.trimEnd();
}

async function call<T>(engine: Engine, token: string, method: string, path: string, body?: unknown): Promise<T> {
  return request<T>(`${engine.api}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function request<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${init.method ?? "GET"} ${url} answered ${response.status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}
