// How one process of a service is started: its port, its environment, and how to tell that it is ready.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { logTail } from "./log-tail.ts";
import { memoryBounds } from "./memory-bounds.ts";
import { freePorts, isPortFree, PortTakenError } from "./ports.ts";
import { SERVICES, type DatabaseUrls, type ServiceName, type StackOptions } from "./stack-options.ts";
import { superviseService, type Service } from "./supervise.ts";

const READY_WITHIN_MS = 60_000;
const POLL_MS = 50;
const QUICK_DEATHS_LIMIT = 3;

export interface Instance {
  /** As in `http://127.0.0.1:4002`. */
  readonly url: string;
  readonly process: Service;
}

/** The port of each process, by service. */
export type Ports = Readonly<Record<ServiceName, readonly number[]>>;

export interface Surroundings {
  readonly redisUrl: string;
  readonly databaseUrls: DatabaseUrls;
  readonly adminToken: string;
  readonly masterKey: string;
  readonly ports: Ports;
}

/** Gives each process its port. Throws PortTakenError where one that was asked for is taken. */
export async function assignPorts(options: StackOptions): Promise<Ports> {
  const assigned: Record<ServiceName, number[]> = { ingress: [], api: [], scheduler: [], worker: [] };
  const countOf = (service: ServiceName): number => options.counts?.[service] ?? 1;
  const free = await freePorts(SERVICES.reduce((sum, service) => sum + countOf(service), 0));
  for (const service of SERVICES) {
    const first = options.ports?.[service] ?? 0;
    for (let n = 0; n < countOf(service); n += 1) {
      const port = first === 0 ? free.pop() : first + n;
      if (port === undefined) throw new Error("No free port.");
      const ours = Object.values(assigned).flat().includes(port);
      if (ours || !(await isPortFree(port, options.bindAddress))) throw new PortTakenError(port, portVariable(service));
      assigned[service].push(port);
    }
  }
  return assigned;
}

/** Starts the n-th process of a service (from 0); it is not ready yet. */
export async function startService(
  service: ServiceName,
  n: number,
  options: StackOptions,
  surroundings: Surroundings,
): Promise<Instance> {
  const url = urlOf(service, n, options, surroundings.ports);
  const script = options.scriptOf?.(service) ?? join(import.meta.dirname, `../../../apps/${service}/src/main.ts`);
  const supervised = await superviseService({
    name: `${service}-${n}`,
    command: process.execPath,
    args: [script],
    env: environment(service, n, options, surroundings),
    pidFile: join(options.dataDir, "run", `${service}-${n}.pid`),
    logFile: join(options.dataDir, "log", `${service}-${n}.log`),
    log: options.log,
    graceMs: options.graceMs,
  });
  return { url, process: supervised };
}

/** Resolves when `/readyz` answers 200. Throws with the end of its log when it keeps dying, or after a minute. */
export async function untilReady(instance: Instance, signal?: AbortSignal): Promise<void> {
  const { process: service, url } = instance;
  const deadlineAt = Date.now() + READY_WITHIN_MS;
  for (;;) {
    signal?.throwIfAborted();
    const status = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).then(
      (response) => response.status,
      () => null,
    );
    if (status === 200) return;
    if (service.quickDeaths() >= QUICK_DEATHS_LIMIT || Date.now() > deadlineAt) {
      const answer = status === null ? "" : ` (/readyz answers ${status})`;
      throw new Error(`${service.name} does not get ready${answer}. Its log ends:\n${await logTail(service.logFile)}`);
    }
    await sleep(POLL_MS);
  }
}

function environment(
  service: ServiceName,
  n: number,
  options: StackOptions,
  { redisUrl, databaseUrls, adminToken, masterKey, ports }: Surroundings,
): Record<string, string | undefined> {
  const { app, worker, workerDirect, dispatcher } = databaseUrls;
  const login: Record<ServiceName, string> = { api: app, ingress: app, scheduler: dispatcher, worker };
  const given = {
    // The owner's login is for set-up alone.
    DATABASE_ADMIN_URL: undefined,
    DATABASE_URL: login[service],
    DATABASE_DIRECT_URL: service === "worker" ? workerDirect : undefined,
    REDIS_URL: redisUrl,
    [portVariable(service)]: String(ports[service][n]),
    BIND_ADDRESS: options.bindAddress ?? "127.0.0.1",
    KEELSON_DATA_DIR: options.dataDir,
    KEELSON_ADMIN_TOKEN: adminToken,
    KEELSON_MASTER_KEY: masterKey,
    KEELSON_PUBLIC_INGRESS_URL: options.publicIngressUrl ?? urlOf("ingress", 0, options, ports),
  };
  // What came from a file is handed on as it is; a service refuses to be told twice.
  const files = Object.fromEntries(Object.keys(given).map((name) => [`${name}_FILE`, undefined]));
  // Nobody shares requests out among the processes of a machine's own engine: no stop waits for that.
  const asked = { ...options.env, ...memoryBounds(options.env) };
  return { NODE_ENV: "production", STOP_DELAY: "0s", ...asked, ...files, ...given };
}

function urlOf(service: ServiceName, n: number, options: StackOptions, ports: Ports): string {
  const address = options.bindAddress ?? "127.0.0.1";
  const host = address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${ports[service][n] ?? 0}`;
}

function portVariable(service: ServiceName): string {
  return `${service.toUpperCase()}_PORT`;
}
