// The roles: four groups that own and may do things, and logins that are members of one each.
import type { Client } from "pg";

/** Group roles; none is a superuser, none passes by row level security, none logs in. */
export const GROUP_ROLES = ["keelson_owner", "keelson_app", "keelson_worker", "keelson_dispatcher"] as const;

const DUPLICATE_OBJECT = "42710";
const UNIQUE_VIOLATION = "23505";

/** Makes the group roles that are missing, and lets the owner make functions that are another group's. */
export async function createGroupRoles(client: Client): Promise<void> {
  for (const role of GROUP_ROLES) {
    await unlessThere(client, `create role ${role} nologin nosuperuser nobypassrls nocreatedb nocreaterole`);
  }
  const { rows } = await client.query<{ user: string }>("select current_user as user");
  const admin = client.escapeIdentifier(rows[0]?.user ?? "");
  // Membership lets whoever migrates act as the owner, and the owner hand a function to the group it works for.
  await client.query(`grant keelson_owner, keelson_app, keelson_worker, keelson_dispatcher to ${admin}`);
  await client.query("grant keelson_app, keelson_dispatcher to keelson_owner");
}

/** Makes a login of a group, or gives the one there is this password. */
export async function createLogin(client: Client, login: string, group: string, password: string): Promise<void> {
  const name = client.escapeIdentifier(login);
  await unlessThere(client, `create role ${name} login nosuperuser nobypassrls nocreatedb nocreaterole inherit`);
  await client.query(`alter role ${name} with login password ${client.escapeLiteral(password)}`);
  await client.query(`grant ${group} to ${name}`);
}

/** Roles belong to the server, not the database: another set-up may make the same one at the same time. */
async function unlessThere(client: Client, createRole: string): Promise<void> {
  await client.query("savepoint create_role");
  try {
    await client.query(createRole);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code !== DUPLICATE_OBJECT && code !== UNIQUE_VIOLATION) throw error;
    await client.query("rollback to savepoint create_role");
  }
  await client.query("release savepoint create_role");
}
