// What the scripts take from the environment. Everything else of it is passed on to the services as it is.
import { resolve } from "node:path";
import { checkEnv, envInteger, envMasterKeys, envPort, envUrl, parseEnv } from "@keelson/service-kit";
import { z } from "zod";

const DatabaseUrl = envUrl(["postgres", "postgresql"]);

const Env = z.object({
  DATABASE_ADMIN_URL: DatabaseUrl.optional(),
  REDIS_URL: envUrl(["redis", "rediss"]).optional(),
  API_PORT: envPort().prefault("4000"),
  INGRESS_PORT: envPort().prefault("4001"),
  SCHEDULER_PORT: envPort().prefault("4002"),
  WORKER_PORT: envPort().prefault("4003"),
  POSTGRES_PORT: envPort().prefault("0"),
  REDIS_PORT: envPort().prefault("0"),
  BIND_ADDRESS: z.string().default("127.0.0.1"),
  WORKERS: envInteger(1, 64).prefault("1"),
  KEELSON_DATA_DIR: z
    .string()
    .optional()
    .transform((dir) => (dir === undefined ? undefined : resolve(dir))),
  KEELSON_PUBLIC_INGRESS_URL: envUrl(["http", "https"]).optional(),
  KEELSON_ADMIN_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{8,}$/, "expected at least 8 printable characters without spaces")
    .optional(),
  /** As the services take it. */
  KEELSON_MASTER_KEY: z
    .string()
    .superRefine((text, context) => {
      for (const { message } of envMasterKeys().safeParse(text).error?.issues ?? [])
        context.addIssue({ code: "custom", message });
    })
    .optional(),
  KEELSON_EGRESS_ALLOW: z.string().default(""),
});

export type StackEnv = z.infer<typeof Env>;

const ForAudit = Env.pick({ DATABASE_ADMIN_URL: true, POSTGRES_PORT: true, KEELSON_DATA_DIR: true }).extend({
  DATABASE_URL: DatabaseUrl.optional(),
});

/** Which database an audit looks at. */
export type AuditEnv = z.infer<typeof ForAudit>;

/** Throws with a message that names each wrong variable. */
export function readAuditEnv(): AuditEnv {
  const checked = checkEnv(ForAudit, process.env);
  if (checked.ok) return checked.value;
  throw new Error(checked.message);
}

/** Ends the process with a message that names each wrong variable. */
export function readEnv(): StackEnv {
  return parseEnv(Env, process.env);
}
