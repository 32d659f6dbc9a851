// What a service may do in PostgreSQL is decided by its login (I7): one that could do more is refused before anything is served.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createLogins } from "@keelson/db";
import { createTestDatabase, masterKeyBytes, testRedisUrl, type TestDatabase } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { COMPILE_CACHE } from "./support/compile-cache.ts";

const SERVICES = ["api", "ingress", "scheduler", "worker"] as const;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function start(service: string, databaseUrl: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, `../apps/${service}/src/main.ts`)], {
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      DATABASE_URL: databaseUrl,
      REDIS_URL: testRedisUrl(),
      KEELSON_MASTER_KEY: Buffer.from(masterKeyBytes()).toString("base64"),
      KEELSON_ADMIN_TOKEN: "an-admin-token-of-thirty-two-characters",
      [`${service.toUpperCase()}_PORT`]: "0",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { code, output };
}

it("no service starts with a superuser's login, and each says what to give it instead", async () => {
  const starts = await Promise.all(SERVICES.map((service) => start(service, database.adminUrl)));
  for (const { code, output } of starts) {
    expect(code).toBe(1);
    expect(output).toContain("is a superuser; give this service a login that is a member of keelson_");
  }
});

it("no service starts with another kind's login", async () => {
  const suffix = database.name.slice(-8);
  const { app, worker } = await createLogins({ adminUrl: database.adminUrl, suffix });
  const starts = await Promise.all([start("worker", app), start("scheduler", worker), start("api", worker)]);
  for (const { code, output } of starts) {
    expect(code).toBe(1);
    expect(output).toContain("which is no member of keelson_");
  }
});
