// One-shot: seals every secret that is under an older master key anew, under the first one of KEELSON_MASTER_KEY. May be cut
// off, repeated and run twice, and the engine goes on meanwhile. On stdout one line of JSON: how many are sealed under which
// key now. Exits 1 where some are left that this run could not open.
import { createSecretBox, openDatabase, rewrapSecrets } from "@keelson/db";
import { createLogger } from "@keelson/service-kit";
import { env } from "./env.ts";

/** A statement waits for nothing: one connection does. */
const CONNECTIONS = 2;

// Stdout is for what was asked for.
const destination = { write: (line: string) => void process.stderr.write(line) };
const log = createLogger({ service: "rewrap", level: env.LOG_LEVEL, destination });
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());

const db = openDatabase({ url: env.DATABASE_URL, applicationName: "keelson-rewrap", maxConnections: CONNECTIONS });
try {
  await db.assertRestricted("keelson_app");
  await db.assertMigrated();
  const box = createSecretBox(env.KEELSON_MASTER_KEY);
  const { rewrapped, spoilt, byKey } = await rewrapSecrets(db, box, {
    stopping: stopping.signal,
    onBatch: (count) => log.info({ rewrapped: count }, "rewrap.going_on"),
  });
  for (const { tenantId, name } of spoilt) {
    log.error({ tenant_id: tenantId, name }, "rewrap.not_opened");
  }
  const left = byKey.filter(({ keyVersion }) => keyVersion !== box.keyVersion);
  const counts = byKey.map(({ keyVersion, secrets, replaced }) => ({ key: keyVersion, secrets, replaced }));
  process.stdout.write(`${JSON.stringify({ rewrapped, sealsUnder: box.keyVersion, sealed: counts })}\n`);
  for (const { keyVersion } of left.filter(({ keyVersion }) => !box.knows(keyVersion))) {
    log.error({ key_version: keyVersion, known: box.keyVersions }, "rewrap.key_missing");
  }
  process.exitCode = left.length === 0 ? 0 : 1;
} catch (error) {
  log.fatal({ err: error }, "rewrap.failed");
  process.exitCode = 1;
} finally {
  await db.close();
}
