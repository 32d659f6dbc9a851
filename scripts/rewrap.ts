// npm run rewrap: seals the secrets of a running engine anew, as its api would: with its login and with its master keys, which
// are those of KEELSON_MASTER_KEY, or those in the data folder of `npm start`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { databaseOf } from "./audit/database-of.ts";
import { readAuditEnv, readEnv, type StackEnv } from "./env.ts";
import { createReport, explain } from "./report.ts";
import { plainEnv } from "./run-command.ts";

const report = createReport();
process.exitCode = await rewrap(readEnv()).catch((error: unknown) => {
  report.line(explain(error));
  return 1;
});

async function rewrap(env: StackEnv): Promise<number> {
  const { url } = await databaseOf(readAuditEnv());
  const masterKey = env.KEELSON_MASTER_KEY ?? (await keptKeys(env.KEELSON_DATA_DIR ?? resolve(".keelson")));
  const child = spawn(process.execPath, [join(import.meta.dirname, "../apps/api/src/rewrap/main.ts")], {
    // Nothing is told twice: what came from a file is handed on as it is.
    env: {
      ...plainEnv(),
      DATABASE_URL: url,
      DATABASE_URL_FILE: "",
      KEELSON_MASTER_KEY: masterKey,
      KEELSON_MASTER_KEY_FILE: "",
    },
    stdio: "inherit",
  });
  const [code]: unknown[] = await once(child, "close");
  return code === 0 ? 0 : 1;
}

async function keptKeys(dataDir: string): Promise<string> {
  const file = join(dataDir, "secrets", "master-key");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Error(`${file} cannot be read: set KEELSON_MASTER_KEY to what the api has, or KEELSON_DATA_DIR.`, {
      cause,
    });
  });
  return text.trim();
}
