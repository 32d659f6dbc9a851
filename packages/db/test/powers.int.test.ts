// A login that can do more than its service needs is refused, by whatever way it came to that power: what keeps tenants
// apart holds for restricted roles alone (I7).
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../src/index.ts";
import { createWorld, type World } from "./world.ts";

const GROUPS = ["keelson_app", "keelson_worker", "keelson_dispatcher"] as const;
const login = `keelson_test_power_${randomBytes(4).toString("hex")}`;
const between = `${login}_between`;

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** What a login of this group is told that was given something more; null where it may serve. */
async function refusal(group: string, more: readonly string[]): Promise<string | null> {
  await world.admin.query(`create role ${login} login password 'p'`);
  await world.admin.query(`create role ${between} nologin`);
  try {
    await world.admin.query(`grant ${group} to ${login}`);
    for (const statement of more) await world.admin.query(statement);
    const url = world.database.urlFor(login, "p");
    const db = openDatabase({ url, applicationName: "powers-test", maxConnections: 1 });
    const said = await db.assertRestricted(group as "keelson_app").then(
      () => null,
      (error: Error) => error.message,
    );
    await db.close();
    return said;
  } finally {
    await world.admin.query(`reassign owned by ${login}, ${between} to keelson_owner`);
    await world.admin.query(`drop owned by ${login}, ${between}`);
    await world.admin.query(`drop role ${login}`);
    await world.admin.query(`drop role ${between}`);
  }
}

describe("a login", () => {
  it.each(GROUPS)("of %s and nothing more may serve", async (group) => {
    expect(await refusal(group, [])).toBeNull();
  });

  it.each([
    ["a superuser", `alter role ${login} superuser`, "is a superuser"],
    ["one that BYPASSRLS", `alter role ${login} bypassrls`, "passes by row level security"],
    [
      "one that may become one that BYPASSRLS",
      `alter role ${between} bypassrls; grant ${between} to ${login}`,
      "passes by",
    ],
    ["one that may replicate", `alter role ${login} replication`, "may replicate the whole database"],
    ["one that may create roles", `alter role ${login} createrole`, "may create roles"],
    ["the owner's", `grant keelson_owner to ${login}`, "can act as the owner of the schema"],
    ["the owner's without its rights", `grant keelson_owner to ${login} with inherit false`, "can act as the owner"],
    [
      "the owner's through another",
      `grant keelson_owner to ${between}; grant ${between} to ${login}`,
      "can act as the owner",
    ],
    ["the owner of a table", `alter table keelson.secrets owner to ${login}`, "owns tables of the schema"],
    [
      "that of a table's owner",
      `grant ${between} to ${login}; alter table keelson.secrets owner to ${between}`,
      "owns tables",
    ],
    ["one that reads every table", `grant pg_read_all_data to ${login}`, "reads or writes more than the schema grants"],
    ["one that writes every table", `grant pg_write_all_data to ${login}`, "reads or writes more"],
    ["one that reads the server's files", `grant pg_read_server_files to ${login}`, "reads or writes more"],
    ["one that runs programs", `grant pg_execute_server_program to ${login}`, "reads or writes more"],
    ["another service's as well", `grant keelson_dispatcher to ${login}`, "another service's group as well"],
  ])("that is %s is refused", async (_who, more, reason) => {
    const said = await refusal("keelson_app", more.split("; "));
    expect(said).toContain(reason);
    expect(said).toContain(`'${login}'`);
    expect(said).toContain("a member of keelson_app and nothing more");
  });

  it("of no group, and of another's, is refused", async () => {
    const db = openDatabase({ url: world.urls.app, applicationName: "powers-test", maxConnections: 1 });
    for (const group of ["keelson_worker", "keelson_dispatcher"] as const) {
      await expect(db.assertRestricted(group)).rejects.toThrow(/no member of|another service's group/);
    }
    await db.close();
  });
});
