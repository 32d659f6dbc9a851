import { envLogLevel, envUrl, parseEnv } from "@keelson/service-kit";
import { z } from "zod";

/** A database URL that names a login and its password. */
const LoginUrl = envUrl(["postgres", "postgresql"]).transform((text, context) => {
  const { username, password } = new URL(text);
  try {
    const login = { url: text, name: decodeURIComponent(username), password: decodeURIComponent(password) };
    if (username !== "" && password !== "") return login;
  } catch {
    // A per cent sign that encodes nothing.
  }
  context.addIssue({ code: "custom", message: "expected a URL with a user and a password, percent-encoded" });
  return z.NEVER;
});

const Env = z
  .object({
    DATABASE_ADMIN_URL: LoginUrl,
    /** The URLs that the services get as their DATABASE_URL: of api and ingress, of workers, of schedulers. */
    APP_DATABASE_URL: LoginUrl,
    WORKER_DATABASE_URL: LoginUrl,
    DISPATCHER_DATABASE_URL: LoginUrl,
    LOG_LEVEL: envLogLevel().prefault("info"),
  })
  .refine(
    (env) =>
      new Set([
        env.DATABASE_ADMIN_URL.name,
        env.APP_DATABASE_URL.name,
        env.WORKER_DATABASE_URL.name,
        env.DISPATCHER_DATABASE_URL.name,
      ]).size === 4,
    "two of the URLs name the same user: the admin and each kind of service need a login of their own",
  );

/** What this run is to do; the only place that reads the environment. */
export const env = parseEnv(Env, process.env);
