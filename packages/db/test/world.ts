// A database of the test's own with the restricted logins, a tenant or two, and workflows saved the short way.
import { randomUUID } from "node:crypto";
import type { JsonObject } from "@keelson/contracts";
import { createTestDatabase, type TestDatabase } from "@keelson/testkit";
import { Client, Pool } from "pg";
import { v7 as newId } from "uuid";
import { createLogins, openDatabase, type Database } from "../src/index.ts";

export interface World {
  readonly database: TestDatabase;
  readonly app: Database;
  readonly worker: Database;
  readonly dispatcher: Database;
  readonly workerUrl: string;
  /** Of each login, for connections of a test's own. */
  readonly urls: { readonly [role in "app" | "worker" | "dispatcher" | "admin"]: string };
  /** As a superuser: sees and may do everything. */
  readonly admin: Client;
  tenant(): Promise<string>;
  workflow(tenantId: string, definition: JsonObject): Promise<{ workflowId: string; versionId: string }>;
  /** Runs `end` when the world ends, before its database goes. */
  onClose(end: () => Promise<unknown>): void;
  close(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase();
  const logins = await createLogins({ adminUrl: database.adminUrl, suffix: database.name.slice(-8) });
  const open = (url: string): Database => openDatabase({ url, applicationName: "keelson-test", maxConnections: 6 });
  const app = open(logins.app);
  const worker = open(logins.worker);
  const dispatcher = open(logins.dispatcher);
  const admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  // For what is laid down before a test's own statements, by several at once.
  const ground = new Pool({ connectionString: database.adminUrl, max: 2 });
  const ends: (() => Promise<unknown>)[] = [];
  return {
    database,
    app,
    worker,
    dispatcher,
    admin,
    workerUrl: logins.worker,
    urls: { ...logins, admin: database.adminUrl },
    onClose: (end) => void ends.push(end),
    async tenant() {
      const id = newId();
      await ground.query("insert into keelson.tenants (id, slug, name) values ($1, $2, 'Test')", [id, `t-${id}`]);
      return id;
    },
    async workflow(tenantId, definition) {
      const ids = { workflowId: newId(), versionId: newId() };
      const name = typeof definition["name"] === "string" ? definition["name"] : `w-${randomUUID()}`;
      await ground.query("insert into keelson.workflows (tenant_id, id, name) values ($1, $2, $3)", [
        tenantId,
        ids.workflowId,
        name,
      ]);
      await ground.query(
        `insert into keelson.workflow_versions (tenant_id, id, workflow_id, version, definition, content_hash)
         values ($1, $2, $3, 1, $4, 'hash')`,
        [tenantId, ids.versionId, ids.workflowId, JSON.stringify({ name, ...definition })],
      );
      return ids;
    },
    async close() {
      await Promise.all(ends.map((end) => end()));
      await Promise.all([app.close(), worker.close(), dispatcher.close(), admin.end(), ground.end()]);
      await database.drop();
      const cleaner = new Client({ connectionString: database.adminUrl.replace(`/${database.name}`, "/postgres") });
      await cleaner.connect();
      for (const kind of ["app", "worker", "dispatcher"]) {
        await cleaner.query(`drop role if exists "keelson_${kind}_login_${database.name.slice(-8)}"`);
      }
      await cleaner.end();
    },
  };
}
