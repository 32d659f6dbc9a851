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

/**
 * Gives each kind of service a login of its own. Roles belong to the server: `suffix` keeps those of several Keelsons on
 * one server apart. Without `passwords` new ones are made at each call, and whoever is connected stays connected.
 */
export async function createLogins(options: {
  readonly adminUrl: string;
  readonly suffix?: string;
  readonly passwords?: { readonly [login in keyof LoginUrls]: string };
}): Promise<LoginUrls> {
  const client = new Client({ connectionString: options.adminUrl, application_name: "keelson-logins" });
  await client.connect();
  try {
    const login = async (kind: keyof LoginUrls): Promise<string> => {
      const name = `keelson_${kind}_login${options.suffix === undefined ? "" : `_${options.suffix}`}`;
      const password = options.passwords?.[kind] ?? randomBytes(18).toString("base64url");
      await client.query("begin");
      await createLogin(client, name, `keelson_${kind}`, password);
      await client.query("commit");
      const url = new URL(options.adminUrl);
      url.username = name;
      url.password = password;
      return url.href;
    };
    return { app: await login("app"), worker: await login("worker"), dispatcher: await login("dispatcher") };
  } finally {
    await client.end();
  }
}
