// What the integration and end-to-end tests share: one PostgreSQL and one Redis per run, started by the global set-up.

import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Connects as a superuser or owner to a database that no test writes to. */
    adminUrl: string;
    /** Name of the migrated database that tests clone; empty where the store has no migrations yet. */
    templateDatabase: string;
    redisUrl: string;
  }
}

/** Of the server, not of a test's own database: see `createTestDatabase`. */
export function testAdminUrl(): string {
  return inject("adminUrl");
}

/** One Redis for all files: keys begin with a `testRedisPrefix()`. */
export function testRedisUrl(): string {
  return inject("redisUrl");
}

export function testTemplateDatabase(): string {
  return inject("templateDatabase");
}
