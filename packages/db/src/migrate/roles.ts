// The roles: four groups that own and may do things, and logins that are members of one each.
import type { Client } from "pg";

/** Group roles; none is a superuser, none passes by row level security, none logs in. */
export const GROUP_ROLES = ["keelson_owner", "keelson_app", "keelson_worker", "keelson_dispatcher"] as const;

const DUPLICATE_OBJECT = "42710";
const UNIQUE_VIOLATION = "23505";
/** Another session has just granted the same. */
const CONCURRENTLY_UPDATED = "XX000";
/** May not grant it: then it was granted before, or acting as the role will say what is missing. */
const NOT_ALLOWED = "42501";
const ALREADY_THERE: readonly unknown[] = [DUPLICATE_OBJECT, UNIQUE_VIOLATION, CONCURRENTLY_UPDATED];
/** Of the services' sessions: seconds, seconds, probes, and ms without an acknowledgement. */
const KEEPALIVE = {
  tcp_keepalives_idle: 3,
  tcp_keepalives_interval: 1,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 5_000,
};

/** Makes the group roles that are missing, and lets the owner make functions that are another group's. */
export async function createGroupRoles(client: Client): Promise<void> {
  for (const role of GROUP_ROLES) {
    await unlessThere(client, `create role ${role} nologin nosuperuser nobypassrls nocreatedb nocreaterole`);
  }
  // Whoever migrates acts as the owner, and as the group that a function works for. A superuser may do so as it is; of
  // others, since PostgreSQL 16 the one who made a role may not yet act as it, but may grant itself that.
  const { rows } = await client.query<{ user: string; super: boolean }>(
    "select rolname as user, rolsuper as super from pg_roles where rolname = current_user",
  );
  for (const { user, super: isSuper } of rows) {
    if (isSuper) continue;
    for (const role of GROUP_ROLES)
      await unlessThere(client, `grant ${role} to ${client.escapeIdentifier(user)}`, [...ALREADY_THERE, NOT_ALLOWED]);
  }
}

/** Makes a login of a group, or gives the one there is this password. */
export async function createLogin(client: Client, login: string, group: string, password: string): Promise<void> {
  const name = client.escapeIdentifier(login);
  await unlessThere(client, `create role ${name} login nosuperuser nobypassrls nocreatedb nocreaterole inherit`);
  await client.query(`alter role ${name} with login password ${client.escapeLiteral(password)}`);
  // PostgreSQL frees what a vanished service held within seconds, not within TCP's two hours.
  for (const [setting, value] of Object.entries(KEEPALIVE)) {
    await client.query(`alter role ${name} set ${setting} = ${value}`);
  }
  await unlessThere(client, `grant ${group} to ${name}`);
}

/** Roles belong to the server, not the database: another set-up may make the same one at the same time. */
async function unlessThere(client: Client, statement: string, tolerated = ALREADY_THERE): Promise<void> {
  await client.query("savepoint unless_there");
  try {
    await client.query(statement);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (!tolerated.includes(code)) throw error;
    await client.query("rollback to savepoint unless_there");
  }
  await client.query("release savepoint unless_there");
}
