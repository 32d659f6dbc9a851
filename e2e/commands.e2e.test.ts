// `npm start` and `npm run demo` as their users run them, in a data folder of their own; below npm, by the script that it
// starts, where npm itself does not matter.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@keelson/local-stack";
import { eventually } from "@keelson/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";

interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  stdout: string;
  stderr: string;
}

interface Ready {
  readonly ready: true;
  readonly api: string;
  readonly ingress: string;
  readonly adminToken: string;
  readonly pids: Readonly<Record<"api" | "ingress" | "scheduler" | "worker", readonly number[]>>;
}

const ROOT = join(import.meta.dirname, "..");
const SET_UP_AND_START_MS = 120_000;
let dataDir: string;
let commands: Command[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "keelson-commands-"));
  commands = [];
});

afterEach(async () => {
  for (const { child, ended } of commands) {
    child.kill("SIGTERM");
    await ended;
  }
  await rm(dataDir, { recursive: true, force: true });
});

async function run(
  name: "start" | "demo" | "test" | "audit",
  env: Readonly<Record<string, string>> = {},
  [program = "", ...args]: readonly string[] = ["sh", join(ROOT, "scripts", "run.sh"), name],
): Promise<Command> {
  const [api, ingress, scheduler, worker] = await freePorts(4);
  const child = spawn(program, args, {
    cwd: ROOT,
    // A process group of its own, as a shell gives it.
    detached: true,
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      KEELSON_DATA_DIR: dataDir,
      API_PORT: String(api),
      INGRESS_PORT: String(ingress),
      SCHEDULER_PORT: String(scheduler),
      WORKER_PORT: String(worker),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const command: Command = {
    child,
    ended: once(child, "close").then(([code]: unknown[]) => (typeof code === "number" ? code : null)),
    stdout: "",
    stderr: "",
  };
  child.stdout.on("data", (chunk) => (command.stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (command.stderr += String(chunk)));
  commands.push(command);
  return command;
}

async function untilReady(command: Command): Promise<Ready> {
  await eventually(
    () => {
      if (command.child.exitCode !== null) throw new Error(`It ended: ${command.stderr}`);
      expect(command.stdout).toMatch(/\n$/);
    },
    { withinMs: SET_UP_AND_START_MS },
  );
  return JSON.parse(command.stdout) as Ready;
}

const pidIn = async (file: string): Promise<number> => Number(await readFile(join(dataDir, "run", file), "utf8"));

it("npm start says in one line that it is ready, starts again what dies, and on SIGTERM ends all of it with 0", async () => {
  const command = await run("start", { WORKERS: "2", WORKER_PORT: "0" });
  const { ready, api, ingress, adminToken, pids } = await untilReady(command);
  expect(ready).toBe(true);
  expect(pids.worker).toHaveLength(2);
  expect(await pidIn("worker-1.pid")).toBe(pids.worker[1]);
  expect((await fetch(`${ingress}/healthz`)).status).toBe(200);
  expect((await fetch(`${api}/v1/tenants`, { headers: { authorization: `Bearer ${adminToken}` } })).status).toBe(200);

  const audit = await run("audit");
  expect(await audit.ended).toBe(0);
  expect(audit.stdout).toMatch(/^no violation of I2 to I7 in 0 executions/);

  process.kill(pids.api[0]!, "SIGKILL");
  await eventually(
    async () => {
      expect(await pidIn("api-0.pid")).not.toBe(pids.api[0]);
      expect((await fetch(`${api}/readyz`)).status).toBe(200);
    },
    { withinMs: 30_000 },
  );
  expect(command.stderr).toContain("api-0 died (SIGKILL), starting it again");

  command.child.kill("SIGTERM");
  expect(await command.ended).toBe(0);
  expect(await readdir(join(dataDir, "run"))).toEqual([]);
});

it.each([
  ["SIGTERM to npm", "SIGTERM", (npm: number) => npm],
  ["SIGINT to npm's process group", "SIGINT", (npm: number) => -npm],
] as const)("npm start ends all of it on %s", async (_title, signal, receiver) => {
  const command = await run("start", {}, ["npm", "start", "--silent"]);
  const { pids } = await untilReady(command);
  process.kill(receiver(command.child.pid!), signal);
  await command.ended;
  await eventually(async () => expect(await readdir(join(dataDir, "run"))).toEqual([]));
  for (const pid of Object.values(pids).flat()) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

it("npm start goes on after everything was killed at once, with the same token and data", async () => {
  const first = await run("start");
  const before = await untilReady(first);
  const authorization = `Bearer ${before.adminToken}`;
  const slug = "kept";
  const made = await fetch(`${before.api}/v1/tenants`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ slug, name: "Kept" }),
  });
  expect(made.status).toBe(201);
  const files = (await readdir(join(dataDir, "run"))).filter((file) => /^[^.].*\.pid$/.test(file));
  const pids = await Promise.all(files.map(pidIn));
  first.child.kill("SIGKILL");
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await first.ended;

  const after = await untilReady(await run("start"));
  expect(after.adminToken).toBe(before.adminToken);
  const tenants = await fetch(`${after.api}/v1/tenants`, { headers: { authorization } });
  expect(await tenants.json()).toMatchObject({ items: [{ slug }] });
});

it("npm start names the variable of a port that is taken, and of every value it cannot use", async () => {
  const command = await run("start", { WORKERS: "many", API_PORT: "99999" });
  expect(await command.ended).toBe(1);
  expect(command.stderr).toMatch(/API_PORT[^]*WORKERS/);
  const first = await run("start");
  const { api } = await untilReady(first);
  const second = await run("start", { API_PORT: new URL(api).port, KEELSON_DATA_DIR: join(dataDir, "second") });
  expect(await second.ended).toBe(1);
  expect(second.stderr).toContain("Set API_PORT to a free one");
  expect(second.stdout).toBe("");
});

it("npm run demo shows each step of the order and ends with 0, although its usual ports are taken", async () => {
  const engine = await run("start");
  const { api, ingress } = await untilReady(engine);
  const command = await run("demo", {
    API_PORT: new URL(api).port,
    INGRESS_PORT: new URL(ingress).port,
    KEELSON_DATA_DIR: join(dataDir, "demo"),
  });
  expect(await command.ended).toBe(0);
  for (const step of ["shape", "big", "review", "charge", "cool_off", "ship"]) {
    expect(command.stdout).toMatch(new RegExp(`^step +${step} .* succeeded +\\d+ ms$`, "m"));
  }
});

it("npm test runs the tests that its arguments name, and says how many passed", async () => {
  const named = ["--project", "unit", "packages/testkit/src/eventually.test.ts"];
  const command = await run("test", {}, ["npm", "test", "--silent", "--", ...named]);
  expect(await command.ended).toBe(0);
  expect(command.stdout).toMatch(/^2 passed, 0 failed$/m);
  const none = await run("test", {}, ["npm", "test", "--silent", "--", "--project", "unit", "no/such.test.ts"]);
  expect(await none.ended).toBe(1);
});
