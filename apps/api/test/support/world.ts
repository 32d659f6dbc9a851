// An API in this process, as the restricted role over a database of its own, with two tenants; and, where a test asks for
// one, a worker beside it, so that executions really run.

import type { CreatedTenant, JsonObject, Scope } from "@keelson/contracts";
import { type Database, createLogins, openDatabase } from "@keelson/db";
import { createLogger, createMetrics } from "@keelson/service-kit";
import {
  assertNoSecrets,
  createTestDatabase,
  masterKeyBytes,
  noteSecret,
  secretValue,
  testRedisPrefix,
  testRedisUrl,
  uniqueName,
} from "@keelson/testkit";
import type { Express } from "express";
import request from "supertest";
import type { BulkActionRunner } from "../../src/bulk-actions/bulk-action-runner.ts";
import { type Api, type ApiOptions, createApi } from "../../src/create-api.ts";
import { checkAnswer } from "./check-answer.ts";
import { type TestWorker, startWorker } from "./worker.ts";

export const ADMIN_TOKEN = secretValue("operator");
export const INGRESS_URL = "http://hooks.example.test";

export interface World {
  readonly app: Express;
  /** As a superuser: sees and may do everything. */
  readonly admin: Database;
  readonly redisPrefix: string;
  readonly stopping: AbortController;
  /** Two tenants that know nothing of one another. */
  readonly a: Client;
  readonly b: Client;
  readonly operator: Client;
  tenant(): Promise<Client>;
  /** What the service's process drives; here the test does. */
  readonly bulkActions: BulkActionRunner;
  /** Another process's. */
  anotherBulkRunner(): BulkActionRunner;
  /** The environment of a process of the service over the same database and Redis. */
  readonly env: Readonly<Record<string, string>>;
  /** Another instance of the service over the same database and Redis. */
  anotherInstance(options?: Partial<ApiOptions>): Express;
  /** Runs executions until the world is closed. */
  work(): Promise<TestWorker>;
  close(): Promise<void>;
}

type Method = "get" | "post" | "put" | "patch" | "delete";

/** Calls the API with one key. */
export interface Client {
  readonly tenantId: string;
  readonly key: string;
  readonly call: (method: Method, path: string, body?: object) => request.Test;
  /** Without a key, and without a look at the answer: for what is no call of the API. */
  readonly raw: (path: string) => request.Test;
  readonly get: (path: string) => request.Test;
  readonly post: (path: string, body?: object) => request.Test;
  readonly put: (path: string, body?: object) => request.Test;
  readonly patch: (path: string, body?: object) => request.Test;
  readonly delete: (path: string) => request.Test;
  /** The same tenant with a new key of these scopes. */
  readonly withScopes: (scopes: readonly Scope[]) => Promise<Client>;
  /** Saves a workflow; its name. */
  readonly save: (document: JsonObject) => Promise<string>;
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase();
  const logins = await createLogins({ adminUrl: database.adminUrl, suffix: database.name.slice(-8) });
  const open = (url: string) => openDatabase({ url, applicationName: "keelson-api-test", maxConnections: 8 });
  const db = open(logins.app);
  const admin = open(database.adminUrl);
  const redisPrefix = testRedisPrefix();
  const stopping = new AbortController();
  const masterKey = masterKeyBytes();
  const logLines: string[] = [];
  const masterKeys = [{ version: 1, bytes: masterKey }] as const;
  const apis: Api[] = [];
  const workers: TestWorker[] = [];
  const instance = (options: Partial<ApiOptions> = {}) => {
    const api = createApi({
      db,
      redisUrl: testRedisUrl(),
      redisPrefix,
      adminToken: ADMIN_TOKEN,
      masterKeys,
      ingressUrl: INGRESS_URL,
      log: createLogger({
        service: "api",
        level: "debug",
        destination: { write: (line) => void logLines.push(line) },
      }),
      metrics: createMetrics({ service: "api" }),
      stopping: stopping.signal,
      ...options,
    });
    apis.push(api);
    return api;
  };
  const { app, bulkActions } = instance();
  const tenant = () => createTenant(app);
  return {
    app,
    admin,
    redisPrefix,
    stopping,
    a: await tenant(),
    b: await tenant(),
    operator: clientOf(app, "", ADMIN_TOKEN),
    tenant,
    bulkActions,
    anotherBulkRunner: () => instance().bulkActions,
    env: {
      DATABASE_URL: logins.app,
      REDIS_URL: testRedisUrl(),
      REDIS_PREFIX: redisPrefix,
      KEELSON_ADMIN_TOKEN: ADMIN_TOKEN,
      KEELSON_MASTER_KEY: masterKey.toString("base64"),
      LOG_LEVEL: "silent",
    },
    anotherInstance: (options) => instance(options).app,
    async work() {
      const worker = await startWorker({ url: logins.worker, masterKeys, redisPrefix });
      workers.push(worker);
      return worker;
    },
    async close() {
      stopping.abort();
      await Promise.all(workers.map((worker) => worker.stop()));
      await Promise.all(apis.map((api) => api.close()));
      await db.close();
      await admin.close();
      await database.drop();
      assertNoSecrets("the api's log", logLines.join(""));
    },
  };
}

/** A new tenant, by its first key. */
export async function createTenant(app: Express): Promise<Client> {
  const operator = clientOf(app, "", ADMIN_TOKEN);
  const answer = await operator.post("/v1/tenants", { slug: uniqueName("tenant"), name: "Tenant" }).expect(201);
  const { tenant, apiKey }: CreatedTenant = answer.body;
  return clientOf(app, tenant.id, apiKey.key);
}

export function clientOf(app: Express, tenantId: string, key: string): Client {
  const call = (method: Method, path: string, body?: object) => {
    const sent = request(app)[method](path).set("authorization", `Bearer ${key}`);
    void sent.expect((answer) => {
      checkAnswer(method, path, answer);
      const created = answer.status === 201 ? (answer.body.apiKey?.key ?? answer.body.key) : undefined;
      // A new key is shown this once.
      if (typeof created === "string") noteSecret(created);
      else assertNoSecrets(`the answer of ${method} ${path}`, answer.text ?? "");
    });
    return body === undefined ? sent : sent.send(body);
  };
  return {
    tenantId,
    key,
    call,
    raw: (path) => request(app).get(path),
    get: (path) => call("get", path),
    post: (path, body) => call("post", path, body),
    put: (path, body) => call("put", path, body),
    patch: (path, body) => call("patch", path, body),
    delete: (path) => call("delete", path),
    async withScopes(scopes) {
      const answer = await call("post", "/v1/api-keys", { name: "scoped", scopes: [...scopes] }).expect(201);
      return clientOf(app, tenantId, answer.body.key);
    },
    async save(document) {
      const { name } = document;
      if (typeof name !== "string") throw new Error("the document has no name");
      const answer = await call("put", `/v1/workflows/${name}`, document);
      if (answer.status > 201) throw new Error(`not saved: ${answer.text}`);
      return name;
    },
  };
}
