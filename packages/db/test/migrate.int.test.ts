// The schema from nothing: repeated, at once, and by an admin who is no superuser.
import { randomBytes } from "node:crypto";
import { createTestDatabase, type TestDatabase } from "@keelson/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogins, migrateDatabase, openDatabase, readMigrations } from "../src/index.ts";

const suffix = randomBytes(4).toString("hex");
const ADMIN = `keelson_test_admin_${suffix}`;

let database: TestDatabase;
let superuser: Client;
/** Of a role that owns the database and may create roles, and no more. */
let adminUrl: string;
beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  superuser = new Client({ connectionString: database.adminUrl });
  await superuser.connect();
  await superuser.query(`create role ${ADMIN} login createrole password 'admin'`);
  await superuser.query(`alter database "${database.name}" owner to ${ADMIN}`);
  // Another deployment on this server has made the groups: who shares a server must be let to use them.
  for (const group of ["owner", "app", "worker", "dispatcher"]) {
    await superuser.query(`grant keelson_${group} to ${ADMIN} with admin option`).catch(() => undefined);
  }
  adminUrl = database.urlFor(ADMIN, "admin");
});
afterAll(async () => {
  for (const kind of ["app", "worker", "dispatcher"]) {
    await superuser.query(`drop role if exists keelson_${kind}_login_${suffix}`);
  }
  await superuser.query(`reassign owned by ${ADMIN} to current_user`);
  await superuser.query(`drop owned by ${ADMIN}`);
  await superuser.query(`drop role ${ADMIN}`);
  await superuser.end();
  await database.drop();
});

describe("migrating", () => {
  it("applies each migration once, whoever else migrates at the same time", async () => {
    const names = (await readMigrations()).map(({ name }) => name);
    const applied = await Promise.all([1, 2, 3].map(() => migrateDatabase({ adminUrl })));
    expect(applied.flat().sort()).toEqual(names);
    expect(await migrateDatabase({ adminUrl })).toEqual([]);
    const { rows } = await superuser.query(
      "select distinct tableowner from pg_tables where schemaname = 'keelson' order by 1",
    );
    expect(rows).toEqual([{ tableowner: "keelson_owner" }]);
  });

  it("leaves nobody but the owner the right to create anything in the schema", async () => {
    const { rows } = await superuser.query(
      `select r from unnest(array['keelson_app', 'keelson_worker', 'keelson_dispatcher', 'public']) as r
       where has_schema_privilege(r, 'keelson', 'create')`,
    );
    expect(rows).toEqual([]);
  });

  it("refuses where a migration was changed after it had been applied", async () => {
    await superuser.query("update keelson._prisma_migrations set checksum = 'x' where migration_name like '%_starts'");
    await expect(migrateDatabase({ adminUrl })).rejects.toThrow("was changed after it had been applied");
    const [starts] = (await readMigrations()).filter(({ name }) => name.endsWith("_starts"));
    await superuser.query("update keelson._prisma_migrations set checksum = $1 where checksum = 'x'", [
      starts?.checksum,
    ]);
    await expect(migrateDatabase({ adminUrl })).resolves.toEqual([]);
  });
});

describe("logins", () => {
  it("are made by an admin who is no superuser, each with the powers of its group alone, and keep a given password", async () => {
    const passwords = { app: "a", worker: "w", dispatcher: "d" };
    await createLogins({ adminUrl, suffix });
    const logins = await createLogins({ adminUrl, suffix, passwords });
    for (const [kind, url] of Object.entries(logins)) {
      expect(new URL(url).password).toBe(kind[0]);
      const db = openDatabase({ url, applicationName: "migrate-test", maxConnections: 1 });
      await db.assertMigrated();
      await db.assertRestricted(`keelson_${kind as keyof typeof logins}`);
      const { rows } = await db.pool.query("show tcp_user_timeout");
      expect(rows).toEqual([{ tcp_user_timeout: "5000" }]);
      await expect(db.pool.query("create table keelson.mine (id int)")).rejects.toThrow("permission denied");
      await expect(db.pool.query("set role keelson_owner")).rejects.toThrow("permission denied");
      await db.close();
    }
  });
});
