import { Client } from "pg";
import { afterEach, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../src/index.ts";

const databases: TestDatabase[] = [];

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

async function create(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  databases.push(database);
  return database;
}

it("gives each caller a database of its own, also when many ask at once", async () => {
  const created = await Promise.all(Array.from({ length: 4 }, create));
  expect(new Set(created.map(({ name }) => name)).size).toBe(4);
  for (const { adminUrl, name } of created) {
    const client = new Client({ connectionString: adminUrl });
    await client.connect();
    const { rows } = await client.query<{ name: string }>("select current_database() as name");
    await client.end();
    expect(rows).toEqual([{ name }]);
  }
});

it("drops a database although somebody is still connected to it", async () => {
  const database = await create();
  const client = new Client({ connectionString: database.adminUrl });
  const cut = new Promise((resolve) => client.on("error", resolve));
  await client.connect();
  await database.drop();
  await cut;
  const again = new Client({ connectionString: database.adminUrl });
  await expect(again.connect()).rejects.toThrow("does not exist");
});
