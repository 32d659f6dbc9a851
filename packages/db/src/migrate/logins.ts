import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { createLogin } from "./roles.ts";

/** Connection URLs of the restricted logins, one for each kind of service. */
export interface LoginUrls {
  /** api and ingress. */
  readonly app: string;
  readonly worker: string;
  /** scheduler. */
  readonly dispatcher: string;
}

export interface Login {
  readonly name: string;
  readonly password: string;
}

const KINDS = ["app", "worker", "dispatcher"] as const satisfies readonly (keyof LoginUrls)[];

/**
 * Gives each kind of service a login of its own. Roles belong to the server: `suffix` keeps those of several Keelsons on
 * one server apart. Without `passwords` new ones are made at each call, and whoever is connected stays connected.
 */
export async function createLogins(options: {
  readonly adminUrl: string;
  readonly suffix?: string;
  readonly passwords?: { readonly [login in keyof LoginUrls]: string };
}): Promise<LoginUrls> {
  const { adminUrl, suffix, passwords } = options;
  const login = (kind: keyof LoginUrls): Login => ({
    name: loginName(kind, suffix),
    password: passwords?.[kind] ?? randomBytes(18).toString("base64url"),
  });
  const logins = { app: login("app"), worker: login("worker"), dispatcher: login("dispatcher") };
  await ensureLogins(adminUrl, logins);
  const urlOf = ({ name, password }: Login): string => {
    const url = new URL(adminUrl);
    url.username = name;
    url.password = password;
    return url.href;
  };
  return { app: urlOf(logins.app), worker: urlOf(logins.worker), dispatcher: urlOf(logins.dispatcher) };
}

export function loginName(kind: keyof LoginUrls, suffix?: string): string {
  return `keelson_${kind}_login${suffix === undefined ? "" : `_${suffix}`}`;
}

/**
 * Makes these logins, or gives those there are these passwords; whoever is connected stays connected. A login that was
 * made before stays a member of what it was a member of: give no other role's name.
 */
export async function ensureLogins(
  adminUrl: string,
  logins: { readonly [login in keyof LoginUrls]: Login },
): Promise<void> {
  const client = new Client({ connectionString: adminUrl, application_name: "keelson-logins" });
  await client.connect();
  try {
    for (const kind of KINDS) {
      await client.query("begin");
      await createLogin(client, logins[kind].name, `keelson_${kind}`, logins[kind].password);
      await client.query("commit");
    }
  } finally {
    await client.end();
  }
}
