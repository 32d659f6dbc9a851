// Processes of services beside those that a stack keeps running: each may be told of a fail point, and none is started again.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, superviseService, type ServiceName } from "@keelson/local-stack";
import { eventually } from "@keelson/testkit";
import { expect } from "vitest";
import { COMPILE_CACHE } from "./compile-cache.ts";
import type { Engine } from "./engine.ts";

export interface Launched {
  readonly service: ServiceName;
  readonly failPoint: string | null;
  readonly url: string;
  /** Resolves when it serves. */
  ready(): Promise<void>;
  /** Resolves when it stands at its fail point. */
  stands(): Promise<void>;
  /** SIGKILL; resolves once it is gone. Safe to repeat. */
  kill(): Promise<void>;
}

/** `failPoint` as in KEELSON_FAIL_POINT, or null. */
export async function launch(
  engine: Engine,
  service: ServiceName,
  failPoint: string | null,
  env: Readonly<Record<string, string>> = {},
): Promise<Launched> {
  const { stack } = engine;
  const dir = await mkdtemp(join(tmpdir(), `keelson-e2e-${service}-`));
  const logFile = join(dir, "log");
  const port = await freePort();
  const { app, worker, dispatcher } = stack.databaseUrls;
  const logins: Record<ServiceName, string> = { api: app, ingress: app, scheduler: dispatcher, worker };
  const launched = await superviseService({
    name: service,
    command: process.execPath,
    args: [join(import.meta.dirname, `../../apps/${service}/src/main.ts`)],
    env: {
      NODE_ENV: "test",
      DATABASE_URL: logins[service],
      REDIS_URL: stack.redisUrl,
      [`${service.toUpperCase()}_PORT`]: String(port),
      KEELSON_ADMIN_TOKEN: stack.adminToken,
      KEELSON_MASTER_KEY: stack.masterKey,
      KEELSON_EGRESS_ALLOW: "127.0.0.1/32",
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...(failPoint === null ? {} : { KEELSON_FAIL_POINT: failPoint }),
      ...env,
    },
    pidFile: join(dir, "pid"),
    logFile,
    restart: false,
    log: () => undefined,
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    service,
    failPoint,
    url,
    ready: () =>
      eventually(
        async () => expect((await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) })).status).toBe(200),
        { withinMs: 60_000 },
      ),
    stands: () =>
      eventually(async () => expect(await readFile(logFile, "utf8")).toContain("fail_point.reached"), {
        withinMs: 60_000,
      }),
    async kill() {
      launched.kill("SIGKILL");
      await launched.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
