import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { freePort, freePorts, isPortFree, keptPort } from "./ports.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-ports-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("gives different ports, none of which an outgoing connection is given by itself", async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

it("gives to nobody what it has just given to another, though nothing listens there yet", async () => {
  const given = (await Promise.all(Array.from({ length: 30 }, () => freePorts(20)))).flat();
  expect(new Set(given).size).toBe(600);
});

it("keeps a server's port, and takes another one only while somebody else has it", async () => {
  const file = join(folder, "port");
  const first = await keptPort(file);
  expect(await keptPort(file)).toBe(first);
  const intruder = createServer();
  await new Promise<void>((resolve) => {
    intruder.listen(first, "127.0.0.1", resolve);
  });
  expect(await isPortFree(first)).toBe(false);
  const second = await keptPort(file);
  expect(second).not.toBe(first);
  expect(Number(await readFile(file, "utf8"))).toBe(second);
  await new Promise((resolve) => intruder.close(resolve));
});

it("takes nothing from a file that holds no port", async () => {
  const file = join(folder, "port");
  for (const text of ["", "nonsense", "80", "70000", "-1"]) {
    await writeFile(file, text);
    expect(await keptPort(file)).toBeGreaterThanOrEqual(1_024);
  }
  expect(await isPortFree(await freePort())).toBe(true);
});
