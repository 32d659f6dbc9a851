// Set-up's part in the database: the schema, and a login of its own for each kind of service.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createLogins, loginName, migrateDatabase, type Login, type LoginUrls } from "@keelson/db";
import { keptSecret } from "@keelson/local-stack";

const SUFFIX_LENGTH = 8;

/**
 * Names and passwords of the logins are kept in the data folder: services that are still connected keep their right to
 * connect, and several engines on one server have logins of their own.
 */
export function createDatabasePreparation(dataDir: string): (adminUrl: string) => Promise<LoginUrls> {
  const kept = (name: string, encoding: "hex" | "base64url"): Promise<string> =>
    keptSecret(join(dataDir, "secrets", name), encoding);
  return async (adminUrl) => {
    await migrateDatabase({ adminUrl });
    const passwords = {
      app: await kept("app-password", "base64url"),
      worker: await kept("worker-password", "base64url"),
      dispatcher: await kept("dispatcher-password", "base64url"),
    };
    const suffix = (await kept("login-suffix", "hex")).slice(0, SUFFIX_LENGTH);
    return createLogins({ adminUrl, suffix, passwords });
  };
}

/** The login of api and ingress that was made for this data folder; null where none was. */
export async function appLoginOf(dataDir: string): Promise<Login | null> {
  const kept = async (name: string): Promise<string> =>
    (await readFile(join(dataDir, "secrets", name), "utf8").catch(() => "")).trim();
  const [password, suffix] = [await kept("app-password"), (await kept("login-suffix")).slice(0, SUFFIX_LENGTH)];
  return password === "" || suffix === "" ? null : { name: loginName("app", suffix), password };
}
