import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { redisBinary } from "./redis-binary.ts";

let folder: string;
const log: string[] = [];
const find = () => redisBinary(join(folder, "tools"), (line) => log.push(line));
const install = (name: string, script = "") => writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-redis-binary-"));
  log.length = 0;
  vi.stubEnv("PATH", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it.each(["redis-server", "valkey-server"])("takes the %s on PATH", async (name) => {
  await install(name);
  expect(await find()).toEqual({ command: join(folder, name), libraryPath: null });
  expect(log).toEqual([]);
});

/** Elsewhere than on PATH it is looked for as well, so that not every machine is without one. */
const SYSTEM = /^(\/opt\/homebrew\/bin|\/usr\/local\/bin|\/usr\/sbin)\/(redis|valkey)-server$/;

it("fetches one with the system's package manager into its own folder, once", async () => {
  await install("apt-get", 'for a; do case $a in Dir::Cache=*) echo > "${a#*=}/archives/redis.deb";; esac; done');
  const unpacked =
    '/bin/mkdir -p "$3/usr/bin" && : > "$3/usr/bin/redis-server" && /bin/chmod 755 "$3/usr/bin/redis-server"';
  await install("dpkg-deb", unpacked);
  const { command } = await find();
  expect(command === join(folder, "tools/redis/usr/bin/redis-server") || SYSTEM.test(command)).toBe(true);
  const before = [...log];
  expect((await find()).command).toBe(command);
  expect(log).toEqual(before);
});

it("says what to install where there is no way", async () => {
  const told = await find().then(
    ({ command }) => command,
    (error: unknown) => String(error),
  );
  expect(told.includes("Install `redis-server`") || SYSTEM.test(told)).toBe(true);
});
