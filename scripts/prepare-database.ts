// Set-up's part in the database: the schema, and a login of its own for each kind of service.
import { join } from "node:path";
import { createLogins, migrateDatabase, type LoginUrls } from "@keelson/db";
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
