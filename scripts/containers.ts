// Proves the images that containers.sh has built. Each service runs alone in its container; PostgreSQL and Redis run on
// this machine, since no registry need be reachable. What is printed is what was proved; anything else ends with 1.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newTenant } from "@keelson/examples/client";
import { runOrderWorkflow } from "@keelson/examples/order-fulfilment";
import { createRunFolder, freePorts, startThrowawayServices } from "@keelson/local-stack";
import { describePeak, requireAlive } from "./containers/alive.ts";
import { sendBombs, startBombTarget } from "./containers/bombs.ts";
import { proveFullLoad } from "./containers/full-load.ts";
import { contained, MEMORY_BYTES, podman, startContainer, type Container } from "./containers/podman.ts";
import { createReport, explain } from "./report.ts";
import { exitCodeOf, watchStopWish } from "./stop-wish.ts";

const SERVICES = ["api", "ingress", "scheduler", "worker"] as const;
const BOMBS = 100;
/** Of each workload. */
const LOAD_SECONDS = 10;
/** What a service may take at full load, its own process alone. */
const RESIDENT_BYTES = 256 * 1024 * 1024;
const HEALTHY_WITHIN_MS = 120_000;
const run = `keelson-${randomBytes(4).toString("hex")}`;

const stop = watchStopWish();
const report = createReport();
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const stops: (() => Promise<void>)[] = [];

const exitCode = await prove().catch((error: unknown) => {
  report.line(explain(error));
  return 1;
});
for (const stopOne of stops.toReversed()) await stopOne().catch((error: unknown) => report.line(explain(error)));
process.exit(stop.signal.aborted ? exitCodeOf(stop.signal) : exitCode);

async function prove(): Promise<number> {
  await proveLimit();
  const folder = await createRunFolder(report.line);
  stops.push(folder.dispose);
  const servers = await startThrowawayServices({ log: report.line });
  stops.push(servers.stop);
  const secretsDir = join(folder.path, "secrets");
  const adminToken = await writeSecrets(secretsDir, servers);
  await migrate(secretsDir);
  const { containers, urls } = await startServices(secretsDir);
  stop.signal.throwIfAborted();
  for (const container of containers) await proveSealed(container);

  const engine = { ...urls, adminToken };
  const order = await runOrderWorkflow(engine, print);
  if (order.status !== "succeeded") throw new Error(`The order workflow ended ${order.status}.`);
  stop.signal.throwIfAborted();
  const { adminUrl } = servers;
  await proveFullLoad({ ...engine, adminUrl }, { seconds: LOAD_SECONDS, signal: stop.signal, print });
  await proveAlive(containers, RESIDENT_BYTES);
  stop.signal.throwIfAborted();
  await proveBombs(engine);
  await proveAlive(containers, MEMORY_BYTES);

  for (const container of containers.toReversed()) {
    const code = await container.stop();
    if (code !== 0) throw new Error(`${container.name} was told to stop and exited ${code}.`);
  }
  print("each service drained at SIGTERM and exited 0");
  return 0;
}

/** That the limit is one: what wants more is killed, and counted. Else nothing below would mean anything. */
async function proveLimit(): Promise<void> {
  const name = `${run}-greedy`;
  const greedy = "const kept = []; for (;;) kept.push(Buffer.alloc(16 * 1024 * 1024, 1));";
  const options = { name, entrypoint: "node", command: ["-e", greedy] };
  const { code } = await podman(...contained("localhost/keelson-worker:local", options));
  await podman("rm", "--force", name);
  if (code !== 137) throw new Error(`A process that takes more than 512 MiB was not killed (exit code ${code}).`);
  print("a process that takes more than 512 MiB is killed there (SIGKILL)");
}

async function writeSecrets(dir: string, servers: { adminUrl: string; redisUrl: string }): Promise<string> {
  const token = randomBytes(24).toString("hex");
  const urlOf = (kind: string): string => {
    const url = new URL(servers.adminUrl);
    url.username = `keelson_${kind}_login`;
    url.password = randomBytes(24).toString("hex");
    return url.href;
  };
  const secrets = {
    "database-admin-url": servers.adminUrl,
    "app-database-url": urlOf("app"),
    "worker-database-url": urlOf("worker"),
    "dispatcher-database-url": urlOf("dispatcher"),
    "redis-url": servers.redisUrl,
    "admin-token": token,
    "master-key": randomBytes(32).toString("base64"),
  };
  await mkdir(dir);
  await chmod(dir, 0o755);
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(dir, name), `${value}\n`, { mode: 0o444 });
  return token;
}

async function migrate(secretsDir: string): Promise<void> {
  const name = `${run}-migrate`;
  const env = {
    DATABASE_ADMIN_URL_FILE: "/run/secrets/database-admin-url",
    APP_DATABASE_URL_FILE: "/run/secrets/app-database-url",
    WORKER_DATABASE_URL_FILE: "/run/secrets/worker-database-url",
    DISPATCHER_DATABASE_URL_FILE: "/run/secrets/dispatcher-database-url",
  };
  const { code, output } = await podman(...contained("localhost/keelson-migrate:local", { name, env, secretsDir }));
  await podman("rm", "--force", name);
  if (code !== 0) throw new Error(`The migration exited ${code}: ${output}`);
  print("migrated, and made the services' logins");
}

async function startServices(secretsDir: string) {
  const [api = 0, ingress = 0, scheduler = 0, worker = 0] = await freePorts(SERVICES.length);
  const ports = { api, ingress, scheduler, worker };
  const login = { api: "app", ingress: "app", scheduler: "dispatcher", worker: "worker" };
  const urls = { api: `http://127.0.0.1:${api}`, ingress: `http://127.0.0.1:${ingress}` };
  const containers: Container[] = [];
  for (const service of SERVICES) {
    const env = {
      DATABASE_URL_FILE: `/run/secrets/${login[service]}-database-url`,
      REDIS_URL_FILE: "/run/secrets/redis-url",
      KEELSON_MASTER_KEY_FILE: "/run/secrets/master-key",
      KEELSON_ADMIN_TOKEN_FILE: "/run/secrets/admin-token",
      KEELSON_PUBLIC_INGRESS_URL: urls.ingress,
      KEELSON_EGRESS_ALLOW: "127.0.0.1/32",
      // They share this machine's network here.
      BIND_ADDRESS: "127.0.0.1",
      [`${service.toUpperCase()}_PORT`]: String(ports[service]),
    };
    const container = await startContainer(`localhost/keelson-${service}:local`, {
      name: `${run}-${service}`,
      env,
      secretsDir,
    });
    stops.push(container.remove);
    containers.push(container);
  }
  for (const container of containers) await untilHealthy(container);
  print("four services are healthy, each in a container of its own");
  return { containers, urls };
}

async function untilHealthy(container: Container): Promise<void> {
  const deadlineMs = performance.now() + HEALTHY_WITHIN_MS;
  while (!(await container.isHealthy())) {
    stop.signal.throwIfAborted();
    if (performance.now() > deadlineMs) throw new Error(`${container.name}: ${await container.logs()}`);
    await sleep(500);
  }
}

/** Its user, its root, and that there is no shell. */
async function proveSealed(container: Container): Promise<void> {
  const probe = `const { writeFileSync } = require("node:fs");
    let refused = []; for (const path of ["/app/x", "/tmp/x", "/x"]) try { writeFileSync(path, "x") } catch (e) { refused.push(e.code) }
    console.log(process.getuid(), refused.join())`;
  const { output } = await container.exec("node", "-e", probe);
  if (output.trim() !== "10001 EROFS,EROFS,EROFS") throw new Error(`${container.name} is not sealed: ${output}`);
  const shell = await container.exec("sh", "-c", "true");
  if (shell.code === 0) throw new Error(`${container.name} has a shell.`);
  const { limitBytes } = await container.memory();
  if (limitBytes !== MEMORY_BYTES) throw new Error(`${container.name} may take ${limitBytes} bytes.`);
  print(`${container.name.slice(run.length + 1)}: uid 10001, nothing can be written, no shell, 512 MiB`);
}

async function proveBombs(engine: { api: string; ingress: string; adminToken: string }): Promise<void> {
  const target = await startBombTarget();
  try {
    const codes = await sendBombs(await newTenant(engine, "bombs"), target, BOMBS);
    const different = [...new Set(codes)];
    if (codes.length !== BOMBS || different.join() !== "TOO_LARGE") {
      throw new Error(`${codes.length} steps that were sent bombs ended ${different.join(", ")}.`);
    }
    print(`${target.served()} bombs of 1 GiB each were refused as TOO_LARGE`);
  } finally {
    target.close();
  }
}

/** That all of them have come through what was done to them so far, and none took more than `mostBytes`. */
async function proveAlive(containers: readonly Container[], mostBytes: number): Promise<void> {
  const peaks: string[] = [];
  for (const container of containers) {
    const memory = await requireAlive(container);
    const peak = describePeak(container.name.slice(run.length + 1), memory);
    if (memory.residentPeakBytes > mostBytes)
      throw new Error(`At most ${mostBytes} bytes are expected, and it took ${peak}.`);
    peaks.push(peak);
  }
  print(`all four are the processes that were started, none killed; at the most: ${peaks.join(", ")}`);
}
