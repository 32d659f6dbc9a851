// The defaults and bounds of docs/contract.md's settings, held to the schemas that parse the environment.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";

type Environment = Readonly<Record<string, string>>;

const root = join(import.meta.dirname, "..");
const KEY = Buffer.alloc(32, 7).toString("base64");
const OTHER_KEY = Buffer.alloc(32, 8).toString("base64");
const GIVEN = {
  DATABASE_URL: "postgres://u@h/d",
  REDIS_URL: "redis://h",
  KEELSON_ADMIN_TOKEN: "12345678",
  KEELSON_MASTER_KEY: KEY,
};
const DEFAULTS = {
  "apps/api/src/env.ts": {
    API_PORT: 4000,
    INGRESS_PORT: 4001,
    STOP_DELAY: 5_000,
    ingressUrl: "http://127.0.0.1:4001",
  },
  "apps/ingress/src/env.ts": { INGRESS_PORT: 4001, STOP_DELAY: 5_000 },
  "apps/scheduler/src/env.ts": {
    SCHEDULER_PORT: 4002,
    EXECUTION_RETENTION: 2_592_000_000,
    DELIVERY_RETENTION: 604_800_000,
  },
  "apps/worker/src/env.ts": { WORKER_PORT: 4003, WORKER_CONCURRENCY: 64, LEASE_TTL: 15_000, KEELSON_EGRESS_ALLOW: [] },
} as const;
const EVERY_SERVICE = {
  REDIS_PREFIX: "keelson",
  BIND_ADDRESS: "127.0.0.1",
  LOG_LEVEL: "info",
  OTEL_TRACES_SAMPLER_ARG: 1,
  STOP_GRACE: 25_000,
};
const START = "scripts/env.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What the file makes of an environment, or what it says before it ends its process. */
async function parsed(file: string, env: Environment): Promise<{ readonly value: unknown; readonly refusal: string }> {
  vi.resetModules();
  vi.spyOn(process, "exit").mockImplementation(() => {
    throw new Error("exit");
  });
  const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const before = process.env;
  process.env = { ...env };
  try {
    const module: { env?: unknown; readEnv?: () => unknown } = await import(join(root, file));
    return { value: module.env ?? module.readEnv?.(), refusal: "" };
  } catch {
    return { value: null, refusal: told.mock.calls.map(([text]) => String(text)).join("") };
  } finally {
    process.env = before;
    vi.restoreAllMocks();
  }
}

it.each(Object.entries(DEFAULTS))("%s has the documented defaults", async (file, defaults) => {
  expect(await parsed(file, GIVEN)).toMatchObject({ value: { ...EVERY_SERVICE, ...defaults }, refusal: "" });
});

it("npm start needs no variable, and has the documented defaults", async () => {
  const ports = { API_PORT: 4000, INGRESS_PORT: 4001, SCHEDULER_PORT: 4002, WORKER_PORT: 4003 };
  const embedded = { POSTGRES_PORT: 0, REDIS_PORT: 0 };
  expect((await parsed(START, {})).value).toEqual({
    ...ports,
    ...embedded,
    BIND_ADDRESS: "127.0.0.1",
    WORKERS: 1,
    KEELSON_EGRESS_ALLOW: "",
  });
  expect(readFileSync(join(root, ".gitignore"), "utf8").split("\n")).toContain(".keelson/");
});

it.each<[file: string, variable: string, good: readonly string[], bad: readonly string[]]>([
  ["apps/worker/src/env.ts", "WORKER_CONCURRENCY", ["1", "1000"], ["0", "1001", "many"]],
  ["apps/worker/src/env.ts", "DATABASE_DIRECT_URL", ["postgres://u@h/d"], ["mysql://h"]],
  ["apps/worker/src/env.ts", "LEASE_TTL", ["1s", "10m"], ["999ms", "601s", "soon"]],
  ["apps/worker/src/env.ts", "KEELSON_EGRESS_ALLOW", ["127.0.0.1/32,::1/128"], ["localhost", "10.0.0.0/33"]],
  ["apps/scheduler/src/env.ts", "EXECUTION_RETENTION", ["1m"], ["59s", "0"]],
  ["apps/scheduler/src/env.ts", "DELIVERY_RETENTION", ["1m"], ["59s", "0"]],
  ["apps/api/src/env.ts", "KEELSON_ADMIN_TOKEN", ["12345678"], ["1234567", "with space"]],
  [
    "apps/api/src/env.ts",
    "KEELSON_MASTER_KEY",
    [KEY, `2:${OTHER_KEY},1:${KEY}`],
    [Buffer.alloc(31).toString("base64"), "x", `${KEY},${OTHER_KEY}`],
  ],
  ["apps/api/src/env.ts", "KEELSON_PUBLIC_INGRESS_URL", ["https://hooks.example.com"], ["hooks.example.com"]],
  ["apps/api/src/env.ts", "OTEL_TRACES_SAMPLER_ARG", ["0", "0.25", "1"], ["1.1", "-1"]],
  ["apps/api/src/env.ts", "STOP_DELAY", ["0", "60s"], ["61s", "soon"]],
  ["apps/worker/src/env.ts", "STOP_GRACE", ["5s", "1h"], ["4s", "61m"]],
  ["apps/api/src/env.ts", "LOG_LEVEL", ["debug"], ["loud"]],
  ["apps/api/src/env.ts", "API_PORT", ["1", "65535"], ["65536", "http"]],
  [START, "DATABASE_ADMIN_URL", ["postgresql://u@h/d"], ["mysql://h"]],
  [START, "REDIS_URL", ["redis://h"], ["h:6379"]],
  [START, "KEELSON_MASTER_KEY", [`2:${OTHER_KEY},1:${KEY}`], ["x", `${KEY},${OTHER_KEY}`]],
  [START, "WORKERS", ["1", "64"], ["0", "65"]],
])("%s takes %s within its bounds, and names it beyond", async (file, variable, good, bad) => {
  const given = file === START ? {} : GIVEN;
  for (const value of good) expect((await parsed(file, { ...given, [variable]: value })).refusal).toBe("");
  for (const value of bad)
    expect((await parsed(file, { ...given, [variable]: value })).refusal).toContain(`  ${variable}: `);
});

it.each(Object.keys(DEFAULTS))("%s refuses a fail point in production, and takes it elsewhere", async (file) => {
  const given = { ...GIVEN, NODE_ENV: "test", KEELSON_FAIL_POINT: "worker.claim.answered@2" };
  expect((await parsed(file, given)).value).toMatchObject({
    KEELSON_FAIL_POINT: { point: "worker.claim.answered", time: 2 },
  });
  const { refusal } = await parsed(file, { ...given, NODE_ENV: "production" });
  expect(refusal).toContain("  KEELSON_FAIL_POINT: ");
});

it.each(Object.keys(DEFAULTS))("%s names every variable that is missing", async (file) => {
  const { refusal } = await parsed(file, {});
  const source = readFileSync(join(root, file), "utf8");
  const needed = Object.keys(GIVEN).filter((name) => name.endsWith("_URL") || source.includes(`${name}:`));
  for (const name of needed) expect(refusal).toContain(`  ${name}`);
});
