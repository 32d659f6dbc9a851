// `npm run bench` as its users run it, below npm, at a size that measures nothing: that it runs through, counts, and leaves
// nothing behind. Of its figures none is asserted, since the machine may be busy.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "@keelson/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "keelson-bench-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

function start(...options: readonly string[]) {
  const child = spawn("sh", [join(import.meta.dirname, "..", "scripts", "run.sh"), "bench", ...options], {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], KEELSON_DATA_DIR: dataDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (printed.stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (printed.stderr += String(chunk)));
  const ended = once(child, "close").then(([code]: unknown[]) => code);
  return { child, printed, ended };
}

/** The rows of the Markdown table, by what they are of and their figure. */
function rowsOf(table: string): Map<string, { median: number; met: string }> {
  const rows = [...table.matchAll(/^\| (?!of |---)(.+) \|$/gm)].map(([, row = ""]) =>
    row.split("|").map((cell) => cell.trim()),
  );
  return new Map(
    rows.map(([of, figure, , median, , , , met = ""]) => [`${of} ${figure}`, { median: Number(median), met }]),
  );
}

const leftBehind = () => readdir(join(dataDir, "bench"));

it("npm run bench prints a table of what it has measured, in which nothing is lost or doubled, and writes all of it down", async () => {
  const json = join(dataDir, "results.json");
  const { printed, ended } = start("--quick", "--only", "W1", "--seconds", "0.3", "--json", json);
  const code = await ended;
  expect({ code, said: code === 0 ? "" : printed.stderr }).toEqual({ code: 0, said: "" });
  const rows = rowsOf(printed.stdout);
  expect(rows.get("run B, commits of the bare PostgreSQL")?.median).toBeGreaterThan(0);
  expect(rows.get("W1 webhooks accepted")?.median).toBeGreaterThan(0);
  expect(rows.get("W1 webhooks refused")?.median).toBe(0);
  expect(rows.get("W1 lost executions")).toEqual({ median: 0, met: "yes" });
  expect(rows.get("W1 doubled executions")).toEqual({ median: 0, met: "yes" });
  expect(rows.get("W1 … against B")?.met).toMatch(/^(yes|no)$/);
  const results = JSON.parse(await readFile(json, "utf8")) as { rounds: { workload: string }[] };
  expect(results.rounds.map(({ workload }) => workload)).toEqual(["W1"]);
  expect(await leftBehind()).toEqual([]);
});

it("npm run bench stops all that it started when it is interrupted, and prints no table", async () => {
  const { child, printed, ended } = start("--only", "W1");
  await eventually(() => expect(printed.stderr).toContain("services: "), { withinMs: 120_000 });
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(printed.stdout).toBe("");
  expect(await leftBehind()).toEqual([]);
});

it("npm run bench -- --scale kills, adds and stops a worker under load, loses nothing, and counts processes and connections", async () => {
  const json = join(dataDir, "results.json");
  const { printed, ended } = start("--scale", "--workers", "2", "--seconds", "0.5", "--json", json);
  const code = await ended;
  expect({ code, said: code === 0 ? "" : printed.stderr }).toEqual({ code: 0, said: "" });
  const results = JSON.parse(await readFile(json, "utf8")) as {
    points: { fleet: object; connectionsOf: object; accepted: number; lost: number; doubled: number }[];
    faults: { phases: { workers: number }[]; accepted: number; lost: number; doubled: number };
    perExecution: { table: string; inserted: number }[];
  };
  const one = { worker: 2, api: 1, ingress: 1, scheduler: 1 };
  expect(results.points.map(({ fleet }) => fleet)).toEqual([one, { ...one, api: 2, ingress: 2, scheduler: 2 }]);
  for (const point of [...results.points, results.faults]) expect(point).toMatchObject({ lost: 0, doubled: 0 });
  expect(results.faults.phases.map(({ workers }) => workers)).toEqual([2, 1, 1, 2, 1]);
  expect(results.faults.accepted).toBeGreaterThan(0);
  expect(results.points[0]?.connectionsOf).toHaveProperty("worker-lease", 2);
  const rows = Object.fromEntries(results.perExecution.map(({ table, inserted }) => [table, Math.round(inserted)]));
  expect(rows).toMatchObject({ executions: 1, deliveries: 1, step_runs: 3, attempts: 1 });
  expect(printed.stdout.match(/^\| --- \|/gm)).toHaveLength(5);
  expect(await leftBehind()).toEqual([]);
}, 300_000);
