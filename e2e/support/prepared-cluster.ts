// A PostgreSQL with the schema in it, made once per run by global-setup.ts: to copy it takes a tenth of what it takes to make.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Names the data folder that it lies in; not set where no test runs. */
export const PREPARED_CLUSTER = "KEELSON_TEST_PREPARED_CLUSTER";

/** Lays a copy into a data folder that has none. It has the logins of nobody but its superuser. */
export async function copyPreparedCluster(dataDir: string): Promise<void> {
  const prepared = process.env[PREPARED_CLUSTER];
  if (prepared === undefined) return;
  await mkdir(join(dataDir, "secrets"), { recursive: true, mode: 0o700 });
  // By cp, which keeps owners and permissions, of which PostgreSQL is particular.
  await run("cp", ["-a", join(prepared, "postgres"), dataDir]);
  await run("cp", ["-a", join(prepared, "secrets", "postgres-password"), join(dataDir, "secrets")]);
}
