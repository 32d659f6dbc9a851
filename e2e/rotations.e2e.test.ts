// infra/runbooks/rotate-the-master-key.md and rotate-a-webhook-secret.md, typed as they are printed, under load: executions that
// name secrets run all the while. `docker` is a function of the shell that does to this engine what compose does to containers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Instance } from "@keelson/local-stack";
import {
  eventually,
  masterKeyBytes,
  recordingTarget,
  type RecordingTarget,
  secretValue,
  webhookSecret,
} from "@keelson/testkit";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ended, HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";

const ROOT = join(import.meta.dirname, "..");
const RESTARTED = ["api", "ingress", "worker"] as const;
const REWRAP = "apps/api/src/rewrap/main.ts";
const TOKEN = secretValue("token");
/** More than a batch of the rewrap holds. */
const SECRETS = 210;
const LANES = 4;

let folder: string;
let keys: string;
let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;
let compose: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-rotations-"));
  keys = join(folder, "keelson/infra/secrets/master-key");
  await mkdir(join(folder, "keelson/infra/secrets"), { recursive: true });
  await writeFile(keys, `${masterKeyBytes().toString("base64")}\n`);
  target = await recordingTarget();
  engine = await startEngine({ counts: { worker: 2 }, scriptOf: await readingKeys() });
  tenant = await engine.tenant();
  await tenant.call("PUT", "/v1/secrets/TOKEN", { value: TOKEN });
  compose = createServer(
    (_req, res) =>
      void restart().then(
        () => res.end(),
        () => res.destroy(),
      ),
  ).listen(0, "127.0.0.1");
  await once(compose, "listening");
});
afterAll(async () => {
  compose.close();
  await target.close();
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Each process reads the keys anew as it starts, as one in a container does. */
async function readingKeys(): Promise<(service: string) => string> {
  const script = (service: string): string => join(folder, `${service}.mjs`);
  for (const service of ["api", "ingress", "worker", "scheduler"]) {
    const main = join(ROOT, "apps", service, "src/main.ts");
    await writeFile(
      script(service),
      `import { readFileSync } from "node:fs";
       process.env.KEELSON_MASTER_KEY = readFileSync(${JSON.stringify(keys)}, "utf8").trim();
       await import(${JSON.stringify(main)});`,
    );
  }
  return script;
}

/** All but one worker at once, then that one: executions go on meanwhile. */
async function restart(): Promise<void> {
  const { api, ingress, worker } = engine.stack.instances;
  const [last, ...others] = worker;
  await Promise.all([...api, ...ingress, ...others].map(restarted));
  if (last !== undefined) await restarted(last);
}

async function restarted({ process, url }: Instance): Promise<void> {
  await process.stop();
  await process.start();
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), { withinMs: 120_000 });
}

/** Types the chosen blocks of a runbook after its first one, the variables; what they print. */
async function type(runbook: string, variables: Record<string, string>, ...containing: string[]): Promise<string> {
  const page = await readFile(join(ROOT, "infra/runbooks", runbook), "utf8");
  const fences = [...page.matchAll(/^( *)```sh\n([^]*?)^ *```$/gm)];
  const blocks = fences.map(([, indent = "", text = ""]) => text.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
  const chosen = containing.map((words) => {
    const found = blocks.filter((block) => block.includes(words));
    if (found.length !== 1) throw new Error(`${runbook} has ${found.length} blocks with ${words}`);
    return found[0] ?? "";
  });
  const given = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  return shell([blocks[0] ?? "", ...given, ...chosen].join("\n"));
}

async function shell(text: string): Promise<string> {
  const docker = `docker() {
    case "$*" in
      "compose up -d --force-recreate --wait api ingress worker") curl -sf ${urlOf(compose)} ;;
      "compose exec -T api node "*) KEELSON_MASTER_KEY=$(cat "${keys}") ${process.execPath} "${ROOT}/$6" ;;
      "compose logs "*) : ;;
      *) echo "What is docker $*?" >&2; return 1 ;;
    esac
  }
  `;
  const env = { ...process.env, DATABASE_URL: engine.stack.databaseUrls.app };
  const bash = spawn("bash", ["-eo", "pipefail", "-c", docker + text], { cwd: folder, env, stdio: "pipe" });
  const told = { out: "", err: "" };
  bash.stdout.on("data", (chunk) => (told.out += String(chunk)));
  bash.stderr.on("data", (chunk) => (told.err += String(chunk)));
  const [code]: unknown[] = await once(bash, "close");
  if (code !== 0) throw new Error(`exit ${String(code)} of\n${text}\n${told.out}\n${told.err}`);
  return told.out;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

/** Webhooks for as long as `work` takes, some at a time, each sent until it is taken and followed to its end: how they ended. */
async function underLoad(hook: string, work: () => Promise<void>): Promise<string[]> {
  const done = new AbortController();
  const ends: string[] = [];
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let n = 0; !done.signal.aborted; n++) {
      let id = "";
      const take = async (): Promise<void> => {
        const { status, body } = await tenant.send(hook, { n }, `msg_${lane}_${n}`);
        expect(status).toBe(202);
        id = body.executionId;
      };
      await eventually(take, { withinMs: 120_000 });
      ends.push((await ended(tenant, id, 120_000)).status);
    }
  });
  try {
    await work();
  } finally {
    done.abort();
  }
  await Promise.all(lanes);
  return ends;
}

const sealed = (out: string): unknown => JSON.parse(out.trim().split("\n").at(-1) ?? "");
const counts = () =>
  engine.query<{ key: number; count: number }>(
    "select key_version as key, count(*)::int as count from keelson.secrets group by 1 order by 1",
  );

it("the master key is replaced under running executions, and the rewrap may be killed in the middle", async () => {
  const call = { method: "POST", url: `${target.url}/call`, headers: { authorization: "Bearer {{ secrets.TOKEN }}" } };
  const hook = await tenant.save({
    name: "secretive",
    triggers: [HOOK_TRIGGER],
    steps: [
      { id: "first", type: "http", config: call },
      { id: "wait", type: "delay", dependsOn: ["first"], config: { for: "1s" } },
      { id: "second", type: "http", dependsOn: ["wait"], config: call },
    ],
  });
  for (let n = 0; n < SECRETS; n++) await tenant.call("PUT", `/v1/secrets/S${n}`, { value: secretValue() });
  const runbook = "rotate-the-master-key.md";

  const ends = await underLoad(hook, async () => {
    await type(runbook, {}, "head -c 32 /dev/urandom");
    expect(await readFile(keys, "utf8")).toMatch(/^1:[^\n]{44}\n2:[^\n]{44}\n$/);
    await type(runbook, {}, "both=");
    expect(await readFile(keys, "utf8")).toMatch(/^2:[^\n]{44}\n1:[^\n]{44}\n$/);
    await tenant.call("PUT", "/v1/secrets/S0", { value: secretValue() });
    await killedInTheMiddle();
    // Two at once, then the look.
    await shell(`docker compose exec -T api node ${REWRAP} & docker compose exec -T api node ${REWRAP}; wait`);
    const out = await type(runbook, {}, "grep -c master_key.missing");
    expect(sealed(out.split("\n")[0] ?? "")).toMatchObject({
      rewrapped: 0,
      sealsUnder: 2,
      sealed: [{ key: 2, secrets: SECRETS + 2 }],
    });
    await type(runbook, {}, "sed -i 2d");
    expect(await readFile(keys, "utf8")).toMatch(/^2:[^\n]{44}\n$/);
  });

  expect(ends.length).toBeGreaterThan(0);
  expect(new Set(ends)).toEqual(new Set(["succeeded"]));
  expect(new Set(target.requests.map(({ headers }) => headers["authorization"]))).toEqual(new Set([`Bearer ${TOKEN}`]));
  expect(new Set(target.requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(2 * ends.length);
}, 600_000);

/** By SIGKILL once it has told of its first batch; nothing is lost, and some are under each key. */
async function killedInTheMiddle(): Promise<void> {
  const env = {
    ...process.env,
    DATABASE_URL: engine.stack.databaseUrls.app,
    KEELSON_MASTER_KEY: await readFile(keys, "utf8"),
  };
  const child = spawn(process.execPath, [join(ROOT, REWRAP)], { env, stdio: ["ignore", "ignore", "pipe"] });
  child.stderr.once("data", () => child.kill("SIGKILL"));
  await once(child, "close");
  const found = await counts();
  expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(SECRETS + 2);
  expect(found.map(({ key }) => key)).toContain(2);
}

it("a worker that lacks the key does not start, and says what to do; nor does any service with another key of that number", async () => {
  const inUse = (await counts())[0]?.key ?? 0;
  const lacking = await startUp("worker", `3:${masterKeyBytes().toString("base64")}`);
  expect(lacking).toMatchObject({ code: 1 });
  expect(lacking.log).toContain(
    `A secret is sealed under master key ${inUse}, and KEELSON_MASTER_KEY has 3 alone: write key ${inUse} behind`,
  );
  for (const service of RESTARTED) {
    const wrong = await startUp(service, `${inUse}:${masterKeyBytes().toString("base64")}`);
    expect(wrong.log).toContain(
      `KEELSON_MASTER_KEY has another key ${inUse} than the one that secrets are sealed under`,
    );
    expect(wrong.code).toBe(1);
  }
});

async function startUp(service: (typeof RESTARTED)[number], masterKey: string) {
  const { stack } = engine;
  const child = spawn(process.execPath, [join(ROOT, "apps", service, "src/main.ts")], {
    env: {
      ...process.env,
      DATABASE_URL: service === "worker" ? stack.databaseUrls.worker : stack.databaseUrls.app,
      REDIS_URL: stack.redisUrl,
      [`${service.toUpperCase()}_PORT`]: "0",
      KEELSON_ADMIN_TOKEN: stack.adminToken,
      KEELSON_MASTER_KEY: masterKey,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let log = "";
  child.stdout.on("data", (chunk) => (log += String(chunk)));
  const [code]: unknown[] = await once(child, "close");
  return { code, log };
}

it("a webhook's secret is replaced while both the old and the new one are taken, and none is refused", async () => {
  const [old, next] = [webhookSecret(), webhookSecret()];
  await tenant.call("PUT", "/v1/secrets/ORDERS_WEBHOOK", { value: old });
  const signature = { scheme: "standard", secrets: ["ORDERS_WEBHOOK"] };
  const steps = [{ id: "echo", type: "transform", config: { output: "{{ input }}" } }];
  const hook = await tenant.save({ name: "orders", triggers: [{ id: "shop", type: "webhook", signature }], steps });
  const runbook = "rotate-a-webhook-secret.md";
  const settings = { API: engine.stack.urls.api, KEY: tenant.key, VALUE: next };
  const statuses = async () => [await sendSigned(hook, old), await sendSigned(hook, next)];

  expect(await statuses()).toEqual([202, 401]);
  await type(runbook, settings, "jq -n --arg value", 'with_secrets "[\\"$OLD\\", \\"$NEW\\"]"');
  await eventually(async () => expect(await statuses()).toEqual([202, 202]));
  // The function of step 2 is still there in the reader's shell.
  const both = 'with_secrets "[\\"$OLD\\", \\"$NEW\\"]"';
  await type(runbook, settings, both, 'with_secrets "[\\"$NEW\\"]"');
  await eventually(async () => expect(await statuses()).toEqual([401, 202]));
  const [named, refused] = (await type(runbook, settings, "jq -c '[.definition")).trim().split("\n");
  expect(named).toBe('[["ORDERS_WEBHOOK_2"]]');
  expect(refused).toContain("SIGNATURE_MISMATCH");
});

async function sendSigned(hook: string, secret: string): Promise<number> {
  const [id, at, body] = [`msg_${crypto.randomUUID()}`, new Date(), "{}"];
  const response = await fetch(hook, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, at, body),
    },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}
