// A worker with the heap that it has everywhere (packages/local-stack/src/memory-bounds.ts) stays below 512 MiB whatever tenants' data is like. What the kernel
// says was its most is asked, of the same process before and after.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { constants, createBrotliCompress, createGzip, type BrotliCompress, type Gzip } from "node:zlib";
import { eventually } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

const MIB = 1024 * 1024;
const MEMORY_BYTES = 512 * MIB;
const BOMBS = 100;
const BOMB_BYTES = 256 * MIB;
const STEPS = 20;

let engine: Engine;
let tenant: Tenant;
let bombs: { readonly url: string; readonly close: () => void };
beforeAll(async () => {
  bombs = await startBombs();
  engine = await startEngine();
  tenant = await engine.tenant();
}, 120_000);
afterAll(async () => {
  await engine.stop();
  bombs.close();
}, 60_000);

/** The most memory the worker has had, in bytes, without the program's own files; and which process that is. */
async function peak(): Promise<{ readonly pid: number; readonly bytes: number }> {
  const [pid = 0] = engine.stack.pids().worker;
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kibOf = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
  return { pid, bytes: (kibOf("VmHWM") - kibOf("RssFile")) * 1024 };
}

/** Runs executions of these steps, all at once: the error codes and statuses of their steps. */
async function run(name: string, steps: readonly object[], times: number): Promise<string[]> {
  await tenant.save({ name, steps, output: 1 });
  const ids = await Promise.all(Array.from({ length: times }, () => tenant.start(name)));
  const unfinished = "select from keelson.executions where id = any($1) and finished_at is null";
  await eventually(async () => expect(await engine.query(unfinished, [ids])).toEqual([]), { withinMs: 110_000 });
  const rows = await engine.query<{ code: string }>(
    "select coalesce(error ->> 'code', status) as code from keelson.step_runs where execution_id = any($1)",
    [ids],
  );
  return rows.map(({ code }) => code);
}

async function expectSmall(what: string, before: { readonly pid: number }): Promise<void> {
  const after = await peak();
  process.stderr.write(`    ${what}: ${Math.round(after.bytes / MIB)} MiB at the most\n`);
  expect(after.pid).toBe(before.pid);
  expect(after.bytes).toBeLessThan(MEMORY_BYTES);
  expect(await violations(engine)).toEqual([]);
}

it("survives a hundred decompression bombs at once", async () => {
  const before = await peak();
  const steps = Array.from({ length: STEPS }, (_, n) => ({
    id: `bomb_${n}`,
    type: "http",
    timeout: "2m",
    retry: { maxAttempts: 1 },
    config: { url: `${bombs.url}/${n % 2 === 0 ? "gzip" : "br"}` },
  }));
  const codes = await run("bombs", steps, BOMBS / STEPS);
  expect(codes).toEqual(Array.from({ length: BOMBS }, () => "TOO_LARGE"));
  await expectSmall("a hundred bombs", before);
}, 120_000);

async function startBombs() {
  const gzip = await packed(createGzip());
  const br = await packed(createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }));
  const server = createServer((request, response) => {
    const encoding = request.url === "/br" ? "br" : "gzip";
    response.writeHead(200, { "content-type": "application/json", "content-encoding": encoding });
    response.end(encoding === "br" ? br : gzip);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Zeros without end, nearly, in a few kilobytes. */
async function packed(stream: Gzip | BrotliCompress): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const zeros = Buffer.alloc(MIB);
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const end = once(stream, "end");
  for (let written = 0; written < BOMB_BYTES; written += zeros.length) {
    if (!stream.write(zeros)) await once(stream, "drain");
  }
  stream.end();
  await end;
  return Buffer.concat(chunks);
}
