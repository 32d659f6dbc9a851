// The whole engine as processes, with a client for each kind of user. Each end-to-end file starts its own.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Json } from "@keelson/contracts";
import { createLogins, migrateDatabase } from "@keelson/db";
import { startStack, type Stack, type StackOptions } from "@keelson/local-stack";
import {
  assertNoSecrets,
  failOnLeaks,
  leakSearch,
  type Leak,
  masterKeyBytes,
  noteSecret,
  scanDatabase,
  scanFolder,
  scanRedis,
  secretValue,
  watchRedis,
  webhookSecret,
} from "@keelson/testkit";
import { Client } from "pg";
import { Webhook } from "standardwebhooks";
import { COMPILE_CACHE } from "./compile-cache.ts";
import { copyPreparedCluster } from "./prepared-cluster.ts";

export interface Engine {
  readonly stack: Stack;
  /** As the database's superuser. */
  query<R extends object>(sql: string, values?: readonly unknown[]): Promise<R[]>;
  tenant(): Promise<Tenant>;
  /** Stops it, and rejects where a secret stands in anything that it has written (I8). */
  stop(): Promise<void>;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

export interface Tenant {
  readonly id: string;
  readonly key: string;
  call<T = Json>(
    method: string,
    path: string,
    body?: unknown,
    api?: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer<T>>;
  /** Saves a workflow; its webhook's url, if it has one. */
  save(definition: object): Promise<string>;
  start(workflow: string, input?: unknown): Promise<string>;
  execution(id: string): Promise<Execution>;
  /** A webhook as Standard Webhooks has it, for others to send. */
  signed(payload: unknown, id?: string): { readonly body: string; readonly headers: Readonly<Record<string, string>> };
  /** Signs and sends a webhook. */
  send(
    hookUrl: string,
    payload: unknown,
    id?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer<{ deliveryId: string; executionId: string; duplicate: boolean }>>;
}

export interface StepRun {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly output: Json;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly childExecutionId?: string;
}

export interface Execution {
  readonly id: string;
  readonly status: string;
  readonly output: Json;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly steps: readonly StepRun[];
}

const ENDED = new Set(["succeeded", "failed", "cancelled"]);

export async function startEngine(options: Partial<StackOptions> = {}): Promise<Engine> {
  const dataDir = await mkdtemp(join(tmpdir(), "keelson-e2e-"));
  if (options.databaseAdminUrl === undefined) await copyPreparedCluster(dataDir);
  const stack = await startStack({
    dataDir,
    log: () => undefined,
    adminToken: secretValue("operator"),
    masterKey: masterKeyBytes().toString("base64"),
    prepareDatabase: async (adminUrl) => {
      await migrateDatabase({ adminUrl });
      return createLogins({ adminUrl });
    },
    ...options,
    env: {
      KEELSON_EGRESS_ALLOW: "127.0.0.1/32,::1/128",
      LOG_LEVEL: "info",
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...options.env,
    },
  });
  const watch = stack.redis === null ? null : await watchRedis(stack.redisUrl);
  return {
    stack,
    async query<R extends object>(sql: string, values: readonly unknown[] = []) {
      const client = new Client({ connectionString: stack.adminUrl });
      client.on("error", () => undefined);
      await client.connect();
      try {
        return (await client.query<R>(sql, [...values])).rows;
      } finally {
        await client.end();
      }
    },
    tenant: () => createTenant(stack),
    async stop() {
      const leaks: Leak[] = [];
      try {
        leaks.push(...(await leaksOf(stack)), ...(watch?.leaks() ?? []));
      } finally {
        watch?.stop();
        await stack.stop();
        // Logs, PostgreSQL's and its WAL among them: what was deleted, too. Keys are kept in a folder of theirs.
        leaks.push(...(await scanFolder(dataDir, ["secrets"])));
        await rm(dataDir, { recursive: true, force: true });
      }
      failOnLeaks(leaks);
    },
  };
}

/** Of what only a running engine tells: rows, which are compressed on disk, what Redis holds, metrics. */
async function leaksOf(stack: Stack): Promise<Leak[]> {
  const leaks = [
    ...(await scanDatabase(stack.adminUrl)),
    ...(stack.redis === null ? [] : await scanRedis(stack.redisUrl)),
  ];
  for (const { url } of Object.values(stack.instances).flat()) {
    // One that a test has taken away has written its logs.
    const metrics = await fetch(`${url}/metrics`).then(
      (answer) => answer.text(),
      () => "",
    );
    leaks.push(...leakSearch().find(`${url}/metrics`, metrics));
  }
  return leaks;
}

async function createTenant(stack: Stack): Promise<Tenant> {
  const slug = `t-${randomBytes(6).toString("hex")}`;
  const made = await request<{ tenant: { id: string }; apiKey: { key: string } }>(
    `${stack.urls.api}/v1/tenants`,
    "POST",
    stack.adminToken,
    {
      slug,
      name: slug,
    },
  );
  if (made.status !== 201) throw new Error(`No tenant: ${JSON.stringify(made)}`);
  // Tests look as often as they like, and send bursts.
  const limits = { apiPerMinute: 1_000_000, webhookPerMinute: 1_000_000 };
  const path = `${stack.urls.api}/v1/tenants/${made.body.tenant.id}`;
  const raised = await request(path, "PATCH", stack.adminToken, { limits });
  if (raised.status !== 200) throw new Error(`Limits not raised: ${JSON.stringify(raised)}`);
  const { key } = made.body.apiKey;
  const secret = webhookSecret();

  const call = <T>(method: string, path: string, body?: unknown, api = 0, headers = {}): Promise<Answer<T>> =>
    request<T>(`${stack.instances.api[api]?.url ?? stack.urls.api}${path}`, method, key, body, headers);
  await call("PUT", "/v1/secrets/HOOK", { value: secret });
  const signed: Tenant["signed"] = (payload, id = `msg_${randomBytes(12).toString("hex")}`) => {
    const body = JSON.stringify(payload);
    const at = new Date();
    const headers = {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, at, body),
    };
    return { body, headers };
  };

  return {
    id: made.body.tenant.id,
    key,
    call,
    async save(definition) {
      const saved = await call<{ triggers: { url?: string }[] }>("POST", "/v1/workflows", definition);
      if (saved.status !== 201) throw new Error(`Not saved: ${JSON.stringify(saved)}`);
      return saved.body.triggers.find((trigger) => trigger.url !== undefined)?.url ?? "";
    },
    async start(workflow, input) {
      const started = await call<{ id: string }>(
        "POST",
        `/v1/workflows/${workflow}/executions`,
        input === undefined ? {} : { input },
      );
      if (started.status !== 202) throw new Error(`Not started: ${JSON.stringify(started)}`);
      return started.body.id;
    },
    async execution(id) {
      const read = await call<Execution>("GET", `/v1/executions/${id}`);
      if (read.status !== 200) throw new Error(`Not read: ${JSON.stringify(read)}`);
      return read.body;
    },
    signed,
    async send(hookUrl, payload, id, headers = {}) {
      const webhook = signed(payload, id);
      const response = await fetch(hookUrl, {
        method: "POST",
        headers: { ...headers, ...webhook.headers },
        body: webhook.body,
      });
      const answer: unknown = await response.json();
      return {
        status: response.status,
        body: answer as { deliveryId: string; executionId: string; duplicate: boolean },
      };
    },
  };
}

/** Waits until the execution has ended, through restarts of whatever answers. */
export async function ended(tenant: Tenant, id: string, withinMs = 60_000): Promise<Execution> {
  const deadlineAt = performance.now() + withinMs;
  let last: Execution | null = null;
  for (;;) {
    last = await tenant.execution(id).catch(() => last);
    if (last !== null && ENDED.has(last.status)) return last;
    if (performance.now() > deadlineAt) throw new Error(`Execution ${id} has not ended: ${JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A webhook trigger that `Tenant.send` signs for. */
export const HOOK_TRIGGER = { id: "hook", type: "webhook", signature: { scheme: "standard", secrets: ["HOOK"] } };

async function request<T>(
  url: string,
  method: string,
  token: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<T>> {
  const response = await fetch(url, {
    method,
    headers: {
      ...headers,
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answered = (text === "" ? null : JSON.parse(text)) as T;
  // A new key is shown this once.
  if (response.status === 201 && keyOf(answered) !== null) noteSecret(keyOf(answered) ?? "");
  else assertNoSecrets(`the answer of ${method} ${url}`, text);
  return { status: response.status, body: answered };
}

function keyOf(answer: unknown): string | null {
  const { key, apiKey } = (answer ?? {}) as { key?: unknown; apiKey?: { key?: unknown } };
  const shown = apiKey?.key ?? key;
  return typeof shown === "string" ? shown : null;
}
