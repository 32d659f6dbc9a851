// One-shot: brings the schema up to date, makes the services' logins with the passwords of their URLs, and exits 0.
// Safe to repeat, and to run twice at once; services of the former release may run meanwhile.
import { ensureLogins, migrateDatabase } from "@keelson/db";
import { createLogger } from "@keelson/service-kit";
import { env } from "./env.ts";

const log = createLogger({ service: "migrate", level: env.LOG_LEVEL });

try {
  const adminUrl = env.DATABASE_ADMIN_URL.url;
  const applied = await migrateDatabase({ adminUrl, log: (line) => log.info(line) });
  await ensureLogins(adminUrl, {
    app: env.APP_DATABASE_URL,
    worker: env.WORKER_DATABASE_URL,
    dispatcher: env.DISPATCHER_DATABASE_URL,
  });
  log.info({ applied: applied.length }, "migrate.done");
} catch (error) {
  log.fatal({ err: error }, "migrate.failed");
  process.exitCode = 1;
}
