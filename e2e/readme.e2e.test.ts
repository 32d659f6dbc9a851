// The tour of README.md and the READMEs of the examples, as a stranger types them: each block runs in one shell, and prints
// what stands in the block of text after it. Only ports and folders are this test's own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStandIns } from "@keelson/examples/stand-ins";
import { freePorts } from "@keelson/local-stack";
import { eventually } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Block, markdownBlocks } from "./support/markdown-blocks.ts";

const ROOT = join(import.meta.dirname, "..");
const EXAMPLES = join(ROOT, "examples");
const TOUR = markdownBlocks(join(ROOT, "README.md"), "## Five minutes with curl", "## Commands");
const [START, STAND_INS, ...TYPED] = TOUR;
const WITH_SET_UP_MS = 120_000;

let folder: string;
let engine: ChildProcess;
let api: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-readme-"));
  const [API_PORT, INGRESS_PORT, SCHEDULER_PORT, WORKER_PORT] = (await freePorts(4)).map(String);
  api = `http://127.0.0.1:${API_PORT}`;
  const [variable = "", ...command] = START!.text.trim().split(" ");
  if (command.join(" ") !== "npm start") throw new Error(`README.md starts the engine by ${START!.text}`);
  const [name = "", value] = variable.split("=");
  engine = spawn("sh", [join(ROOT, "scripts", "run.sh"), "start"], {
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      KEELSON_DATA_DIR: join(folder, ".keelson"),
      API_PORT,
      INGRESS_PORT,
      SCHEDULER_PORT,
      WORKER_PORT,
      [name]: value,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  engine.stdout?.on("data", (chunk) => (printed += String(chunk)));
  const untilReady = () => {
    if (!/^\{"ready":true/m.test(printed)) throw new Error("npm start is not ready");
  };
  await eventually(untilReady, { withinMs: WITH_SET_UP_MS });
}, WITH_SET_UP_MS);

afterAll(async () => {
  const ended = once(engine, "close");
  engine.kill("SIGTERM");
  await ended;
  await rm(folder, { recursive: true, force: true });
});

describe("README.md", () => {
  it("leads through the tour: each block does what it says", async () => {
    await cp(EXAMPLES, join(folder, "examples"), { recursive: true, filter: (file) => !file.includes("node_modules") });
    const [port] = await freePorts(1);
    for (const file of ["workflow.json", "stand-ins.mjs"]) {
      const path = join(folder, "examples/order-fulfilment", file);
      await writeFile(path, (await readFile(path, "utf8")).replaceAll("4100", String(port)));
    }
    const standIns = spawn("sh", ["-c", `exec ${STAND_INS!.text}`], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(standIns.stdout, "data");
      const blocks = TYPED.map(({ language, text }) => ({
        language,
        text: text.replaceAll("http://127.0.0.1:4000", api),
      }));
      const ran = await run(blocks, {}, folder);
      expect(ran).toMatchObject({ code: 0, stderr: "", printed: ran.expected });
      expect(ran.expected.length).toBeGreaterThan(5);
    } finally {
      standIns.kill();
    }
  });
});

describe("examples", async () => {
  const [setUp] = markdownBlocks(join(EXAMPLES, "README.md"), "<!-- setup: begin -->", "<!-- setup: end -->");
  const folders = (await readdir(EXAMPLES)).filter((name) => /^\d\d-/.test(name));

  it.each(folders)("%s prints what its README says", async (name) => {
    const standIns = await startStandIns({ port: 0 });
    try {
      const blocks = [setUp!, ...markdownBlocks(join(EXAMPLES, name, "README.md"))];
      const adminToken = await readFile(join(folder, ".keelson/secrets/admin-token"), "utf8");
      const env = { API: api, STAND_INS: standIns.url, ADMIN_TOKEN: adminToken.trim() };
      const ran = await run(blocks, env, ROOT);
      expect(ran).toMatchObject({ code: 0, stderr: "", printed: ran.expected });
      expect(ran.expected).toHaveLength(1);
    } finally {
      await standIns.close();
    }
  });

  it("are all in the index", async () => {
    const index = await readFile(join(EXAMPLES, "README.md"), "utf8");
    for (const name of folders) expect(index).toContain(`| [${name}](${name}) |`);
    expect(folders.length).toBeGreaterThanOrEqual(8);
  });
});

interface Ran {
  readonly code: unknown;
  readonly stderr: string;
  /** What each block printed, and what it should have, where the page says so. */
  readonly printed: readonly string[];
  readonly expected: readonly string[];
}

/** Runs the blocks of shell in one bash that stops at the first failure; a block of text says what the one before prints. */
async function run(blocks: readonly Block[], env: object, cwd: string): Promise<Ran> {
  const END_OF_BLOCK = "--- end of block ---";
  const typed = blocks.filter(({ language }) => language === "sh");
  const lines = typed.map(({ text }) => `${text.replaceAll("/tmp/", `${folder}/`)}\necho; echo '${END_OF_BLOCK}'`);
  const shell = spawn("bash", ["-eo", "pipefail", "-c", lines.join("\n")], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  shell.stdout.on("data", (chunk) => (stdout += String(chunk)));
  shell.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [code]: unknown[] = await once(shell, "close");
  const parts = stdout.split(END_OF_BLOCK).map((part) => part.trim());
  const said = blocks.flatMap(({ language, text }, index) => {
    if (language !== "text") return [];
    const before = blocks.slice(0, index).filter((block) => block.language === "sh").length;
    return [{ printed: parts[before - 1] ?? "nothing", expected: text.trim() }];
  });
  return {
    code,
    stderr,
    printed: said.map(({ printed }) => printed),
    expected: said.map(({ expected }) => expected),
  };
}
