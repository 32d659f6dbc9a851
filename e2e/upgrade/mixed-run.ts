// An upgrade as it happens: the former release runs under load; the present one migrates its database, starts beside it,
// shares all work with it for a while, and goes on alone.
import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLogins, migrateDatabase } from "@keelson/db";
import { startThrowawayServices, type ServiceName, type ThrowawayServices } from "@keelson/local-stack";
import { eventually, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { startBalancer } from "../support/balancer.ts";
import { HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "../support/engine.ts";
import { givenBack } from "../support/given-back.ts";
import { violations } from "../support/invariants.ts";
import { startLoad } from "../support/steady-load.ts";
import type { FormerRelease } from "./former-release.ts";

export interface MixedRun {
  readonly accepted: number;
  /** Executions that ended in a worker of the former release, and of the present one, while both ran. */
  readonly ended: { readonly former: number; readonly present: number };
  /** Empty: nothing was refused, lost, doubled or stuck. */
  readonly wrong: readonly string[];
}

interface Options {
  readonly release: FormerRelease;
  /** Where it lies. */
  readonly path: string;
  /** How many executions each of the two is to end while both run. */
  readonly each: number;
  readonly log: (line: string) => void;
}

const CLIENTS = 3;
const EVERY_MS = 150;
const WITHIN_MS = 120_000;
const KEYS = { adminToken: "an-operators-token", masterKey: Buffer.alloc(32, 7).toString("base64") };

export async function runMixed(options: Options): Promise<MixedRun> {
  const servers = await startThrowawayServices({ log: options.log });
  const target = await recordingTarget(() => ({ status: 200, body: { ok: true }, delayMs: 30 }));
  const stops: (() => Promise<void>)[] = [servers.stop, target.close];
  try {
    return await upgrade(options, servers, target, stops);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function upgrade(
  { release, path, each, log }: Options,
  servers: ThrowawayServices,
  target: RecordingTarget,
  stops: (() => Promise<void>)[],
): Promise<MixedRun> {
  const { adminUrl } = servers;
  // What was edited in place cannot be applied again: then the former release finds the present schema from the start.
  if (release.edited.length === 0) await migrateAs(path, adminUrl);
  else await migrateDatabase({ adminUrl });
  const logins = await createLogins({ adminUrl });
  const start = async (scriptOf?: (service: ServiceName) => string, env = {}): Promise<Engine> => {
    const engine = await startEngine({
      ...KEYS,
      databaseAdminUrl: adminUrl,
      redisUrl: servers.redisUrl,
      prepareDatabase: async () => logins,
      publicIngressUrl: "http://127.0.0.1:4001",
      scriptOf,
      // So slow is no machine that a lease runs out.
      env: { LEASE_TTL: "60s", ...env },
      log,
    });
    stops.push(engine.stop);
    return engine;
  };

  log(`${release.name} starts`);
  // What is compiled of a tree that goes shall go with it.
  const beside = { NODE_COMPILE_CACHE: join(path, "../compile-cache") };
  const former = await start((service) => join(path, `apps/${service}/src/main.ts`), beside);
  const tenant = await former.tenant();
  const hookUrl = await saveWorkflows(tenant, target.url);
  const [api, ingress] = [
    await startBalancer([former.stack.urls.api]),
    await startBalancer([former.stack.urls.ingress]),
  ];
  const load = startLoad({ tenant, workflow: "mixed", hookUrl, api, ingress, clients: CLIENTS, everyMs: EVERY_MS });
  stops.push(load.stop, api.close, ingress.close);
  await eventually(async () => atLeast(await endedBy(former), each / 2), { withinMs: WITHIN_MS });
  const applied = await migrateDatabase({ adminUrl });
  log(`the present code has migrated (${applied.join(", ") || "nothing: it was before"}), and starts beside it`);
  const [present] = await Promise.all([start(), restartWorker(former)]);
  await Promise.all([api.add(present.stack.urls.api), ingress.add(present.stack.urls.ingress)]);
  const ended = await eventually(
    async () => {
      const now = { former: await endedBy(former), present: await endedBy(present) };
      atLeast(Math.min(now.former, now.present), each);
      return now;
    },
    { withinMs: WITHIN_MS },
  );
  log(`both have ended some (${ended.former} and ${ended.present}); the former release stops`);
  api.remove(former.stack.urls.api);
  ingress.remove(former.stack.urls.ingress);
  await former.stack.stop();
  await load.stop();
  const spared = new Set([...(await givenBack(former)), ...(await givenBack(present))]);
  const wrong = [...load.refused, ...(await endsOf(present, tenant, load.accepted)), ...effectsOf(target, spared)];
  for (const violation of await violations(present)) wrong.push(JSON.stringify(violation));
  return { accepted: load.accepted.length, ended, wrong };
}

/** A chain of http steps around a wait, so that many are under way at each moment, and a child. Its hook's address. */
async function saveWorkflows(tenant: Tenant, url: string): Promise<string> {
  const post = (id: string, dependsOn: string[]): object => ({
    id,
    type: "http",
    dependsOn,
    config: { method: "POST", url: `${url}/${id}`, body: { execution: "{{ execution.id }}" } },
  });
  await tenant.save({ name: "child", steps: [post("call", [])] });
  return tenant.save({
    name: "mixed",
    triggers: [HOOK_TRIGGER],
    steps: [
      post("first", []),
      { id: "wait", type: "delay", dependsOn: ["first"], config: { for: "500ms" } },
      { id: "child", type: "subworkflow", dependsOn: ["wait"], config: { workflow: "child" } },
      post("last", ["child"]),
    ],
  });
}

/** The former release's own way to make its schema. */
async function migrateAs(path: string, adminUrl: string): Promise<void> {
  const db = pathToFileURL(join(path, "packages/db/src/index.ts")).href;
  const script = `import { migrateDatabase } from ${JSON.stringify(db)}; await migrateDatabase({ adminUrl: process.env.ADMIN_URL });`;
  const env = { ...process.env, ADMIN_URL: adminUrl };
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { env });
}

/** On the schema that it does not know, as one does who goes back. */
async function restartWorker(engine: Engine): Promise<void> {
  const [before] = engine.stack.pids().worker;
  engine.stack.kill("worker", 0, "SIGTERM");
  await eventually(
    () => {
      const [now] = engine.stack.pids().worker;
      if (now === undefined || now === before)
        throw new Error("The former release's worker has not been started again.");
    },
    { withinMs: WITHIN_MS },
  );
}

/** How many executions the workers of an engine have ended so far, as they tell with each tick. */
async function endedBy(engine: Engine): Promise<number> {
  const [row] = await engine.query<{ ended: number }>(
    "select coalesce(sum((stats ->> 'ended')::int), 0)::int as ended from keelson.workers where (stats ->> 'pid')::int = any($1)",
    [engine.stack.pids().worker],
  );
  return row?.ended ?? 0;
}

function atLeast(count: number, wanted: number): void {
  if (count < wanted) throw new Error(`${count} have ended, ${wanted} are waited for.`);
}

/** Waits until each accepted start has ended; what is then not one execution with one child, both succeeded. */
async function endsOf(engine: Engine, tenant: Tenant, accepted: readonly string[]): Promise<string[]> {
  const rows = async (): Promise<{ id: string; name: string; status: string; done: boolean }[]> =>
    engine.query(
      `select id, workflow_name as name, status::text, finished_at is not null as done
       from keelson.executions where tenant_id = $1`,
      [tenant.id],
    );
  await eventually(
    async () => {
      const left = (await rows()).filter(({ done }) => !done);
      if (left.length > 0) throw new Error(`${left.length} have not ended, such as ${JSON.stringify(left[0])}.`);
    },
    { withinMs: WITHIN_MS },
  );
  const all = await rows();
  const wrong = all
    .filter(({ status }) => status !== "succeeded")
    .map((row) => `not succeeded: ${JSON.stringify(row)}`);
  const parents = new Set(all.filter(({ name }) => name === "mixed").map(({ id }) => id));
  for (const id of accepted) if (!parents.delete(id)) wrong.push(`accepted, but lost or told twice: ${id}`);
  for (const id of parents) wrong.push(`nobody was told of ${id}`);
  if (all.length !== 2 * accepted.length)
    wrong.push(`${all.length} executions of ${accepted.length} starts with a child each`);
  return wrong;
}

/** Nobody has died: every effect is to have come once, unless its worker has given it back. */
function effectsOf(target: RecordingTarget, spared: ReadonlySet<string>): string[] {
  const byKey = Map.groupBy(target.requests, ({ headers }) => headers["idempotency-key"] ?? "no key at all");
  return [...byKey]
    .filter(([key, sent]) => sent.length > 1 && !spared.has(key.split(".")[0] ?? ""))
    .map(([key, sent]) => `${key} was sent ${sent.length} times`);
}
