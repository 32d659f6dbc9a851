// A runbook as its reader follows it: its blocks of shell, typed as they are printed, beginning with the one that sets the
// variables. What stands in for a server is a `docker` on PATH that does to a test's engine what compose would to containers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { text as textOf } from "node:stream/consumers";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateDatabase } from "@keelson/db";
import { SERVICES, type ServiceName } from "@keelson/local-stack";
import { Redis } from "ioredis";
import { Client } from "pg";
import type { Engine } from "./engine.ts";
import { dumpSchema, restoreSchema } from "./logical-backup.ts";

const RUNBOOKS = join(import.meta.dirname, "../../infra/runbooks");
/** Asks the test, and prints its answer. */
const DOCKER = `#!${process.execPath}
const input = await Array.fromAsync(process.stdin);
const body = JSON.stringify({ args: process.argv.slice(2), input: Buffer.concat(input).toString() });
const answer = await (await fetch(process.env.DOCKER_STAND_IN, { method: "POST", body })).json();
process.stdout.write(answer.stdout);
process.stderr.write(answer.stderr);
process.exitCode = answer.code;
`;

export interface Server {
  /** Types the blocks of a runbook that contain these words, after the one with the variables; what they print. */
  type(file: string, variables: Readonly<Record<string, string>>, ...containing: readonly string[]): Promise<string>;
  /** Types something of one's own where the runbook's reader sits. */
  shell(text: string): Promise<string>;
  close(): Promise<void>;
}

export interface ServerOptions {
  /** Processes that `docker compose stop` does not reach, as on a machine that was forgotten: `worker-1`. */
  readonly forgotten?: readonly string[];
}

export async function runbookServer(engine: Engine, options: ServerOptions = {}): Promise<Server> {
  const home = await mkdtemp(join(tmpdir(), "keelson-runbook-"));
  await mkdir(join(home, "keelson/infra/secrets"), { recursive: true });
  await mkdir(join(home, "bin"));
  await writeFile(join(home, "keelson/infra/secrets/admin-token"), engine.stack.adminToken);
  await writeFile(join(home, "bin/docker.mjs"), DOCKER);
  await writeFile(
    join(home, "bin/docker"),
    `#!/bin/sh\nexec ${process.execPath} ${join(home, "bin/docker.mjs")} "$@"\n`,
  );
  await chmod(join(home, "bin/docker"), 0o755);
  const docker = dockerOf(engine, options.forgotten ?? []);
  const standIn = createServer((req, res) => {
    void (async () => {
      const { args, input } = JSON.parse(await textOf(req)) as Asked;
      const answer = await docker(args, input).then(
        (stdout) => ({ stdout, stderr: "", code: 0 }),
        (error: unknown) => ({ stdout: "", stderr: `${String(error)}\n`, code: 1 }),
      );
      res.end(JSON.stringify(answer));
    })();
  }).listen(0, "127.0.0.1");
  await once(standIn, "listening");
  const env = {
    ...process.env,
    PATH: `${join(home, "bin")}:${process.env["PATH"]}`,
    DOCKER_STAND_IN: `http://127.0.0.1:${(standIn.address() as AddressInfo).port}`,
  };
  const shell = (text: string): Promise<string> => typed(text, home, env);
  return {
    shell,
    type(file, variables, ...containing) {
      const [setting = "", ...blocks] = shellBlocks(join(RUNBOOKS, file));
      const set = Object.entries({ API: engine.stack.urls.api, ...variables }).reduce(replaceVariable, setting);
      const chosen = containing.map((words) => {
        const found = blocks.filter((block) => block.includes(words));
        if (found.length !== 1) throw new Error(`${file} has ${found.length} blocks with ${words}`);
        return found[0];
      });
      return shell([set, ...chosen].join("\n"));
    },
    async close() {
      standIn.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface Asked {
  readonly args: readonly string[];
  readonly input: string;
}

/** Also those within a list. */
function shellBlocks(file: string): string[] {
  const fences = readFileSync(file, "utf8").matchAll(/^( *)```sh\n([^]*?)^ *```$/gm);
  return [...fences].map(([, indent = "", text = ""]) => text.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

function replaceVariable(block: string, [name, value]: readonly [string, string]): string {
  const line = new RegExp(`^${name}=.*$`, "m");
  if (!line.test(block)) throw new Error(`No variable ${name} is set at the top`);
  return block.replace(line, () => `${name}='${value}'`);
}

async function typed(text: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const bash = spawn("bash", ["-eo", "pipefail", "-c", text], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  bash.stdout.on("data", (chunk) => (stdout += String(chunk)));
  bash.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [code]: unknown[] = await once(bash, "close");
  if (code !== 0) throw new Error(`exit ${String(code)} of\n${text}\n${stdout}\n${stderr}`);
  return stdout;
}

function dockerOf(engine: Engine, forgotten: readonly string[]) {
  const { stack } = engine;
  const processesOf = (names: readonly string[]) =>
    SERVICES.filter((service) => names.length === 0 || names.includes(service))
      .flatMap((service: ServiceName) => stack.instances[service])
      .map((instance) => instance.process)
      .filter((process) => !forgotten.includes(process.name));

  return async (args: readonly string[], input: string): Promise<string> => {
    const [what, command, ...rest] = args;
    if (what !== "compose") return "";
    const names = rest.filter((arg) => /^[a-z]+$/.test(arg));
    switch (command) {
      case "stop":
        await Promise.all(processesOf(names).map((process) => process.stop()));
        return "";
      case "up":
        await Promise.all(processesOf(names).map((process) => process.start()));
        return "";
      case "run":
        await migrateDatabase({ adminUrl: stack.adminUrl });
        return "";
      case "ps":
        return processesOf(names)
          .map((process) => `${process.name} ${process.pid() === null ? "exited" : "up"}\n`)
          .join("");
      case "logs":
        return (await Promise.all(processesOf(names).map(({ logFile }) => readFile(logFile ?? "", "utf8")))).join("");
      case "exec":
        return exec(engine, rest.slice(1), input);
      default:
        throw new Error(`What is docker ${args.join(" ")}?`);
    }
  };
}

async function exec(engine: Engine, [, program = "", ...args]: readonly string[], input: string): Promise<string> {
  switch (program) {
    case "psql":
      return psql(engine.stack.adminUrl, args.at(-1) ?? "");
    case "pg_dump":
      return dumpSchema(engine.stack.adminUrl);
    case "pg_restore":
      await restoreSchema(engine.stack.adminUrl, input);
      return "";
    default: {
      const [command = "", ...rest] = args.slice(args.indexOf("--") + 1);
      const redis = new Redis(engine.stack.redisUrl, { maxRetriesPerRequest: 1 });
      redis.on("error", () => undefined);
      const answer = await redis.call(command, ...rest).finally(() => redis.disconnect());
      return `${String(answer)}\n`;
    }
  }
}

/** Values as PostgreSQL writes them. */
const AS_TEXT = { getTypeParser: () => String };

/** As `psql -At` prints it. */
async function psql(url: string, sql: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // Several statements answer with a list of results: the last one is of interest.
    const answer: unknown = await client.query<unknown[]>({ text: sql, rowMode: "array", types: AS_TEXT });
    const { rows } = (Array.isArray(answer) ? answer.at(-1) : answer) as { rows: (string | null)[][] };
    return rows.map((row) => `${row.join("|")}\n`).join("");
  } finally {
    await client.end();
  }
}
