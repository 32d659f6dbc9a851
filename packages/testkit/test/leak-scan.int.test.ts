// That the scan can fail: a secret is planted in each place, in each encoding.
import { randomUUID } from "node:crypto";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { Client } from "pg";
import { expect, it } from "vitest";
import {
  createTestDatabase,
  eventually,
  noteSecret,
  scanDatabase,
  scanFolder,
  scanRedis,
  testRedisPrefix,
  testRedisUrl,
  watchRedis,
} from "../src/index.ts";

// Without the mark: the run as a whole must not find it.
const SECRET = noteSecret(`planted-${randomUUID()}`);
const ENCODED = {
  plain: SECRET,
  hex: Buffer.from(SECRET).toString("hex"),
  base64: Buffer.from(`x${SECRET}`).toString("base64"),
  base64url: Buffer.from(`xy${SECRET}`).toString("base64url"),
  "URL-encoded": Buffer.from(SECRET).toString("hex").replace(/../g, "%$&"),
  "JSON-escaped": SECRET.replace(/[^]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
};

it("finds what a row holds, as text, json, bytea and an array, in each encoding; and a drop says so", async () => {
  const database = await createTestDatabase();
  const admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  await admin.query("create table public.planted (id int, t text, j json, b jsonb, y bytea, a text[])");
  const silent: string[] = [];
  for (const [encoding, text] of Object.entries(ENCODED)) {
    for (const [column, value] of [
      ["t", text],
      ["j", JSON.stringify({ deep: [text] })],
      ["b", JSON.stringify([text])],
      ["y", Buffer.from(text)],
      ["a", ["x", text]],
    ] as const) {
      await admin.query(`insert into public.planted (id, ${column}) values (1, $1)`, [value]);
      const leaks = await scanDatabase(database.adminUrl);
      if (!leaks.some(({ place }) => place === "a row of public.planted")) silent.push(`${encoding} in ${column}`);
      await admin.query("delete from public.planted");
    }
  }
  expect(silent).toEqual([]);
  expect(await scanDatabase(database.adminUrl)).toEqual([]);
  await admin.query("insert into public.planted (id, t) values (1, $1)", [SECRET]);
  await admin.end();
  await expect(database.drop()).rejects.toThrow(/I8.*\n {2}a row of public\.planted \(plain\)/);
});

it("finds what a log holds, also where it stands across two pieces that are read, and passes by the folder of keys", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keelson-leaks-"));
  try {
    await mkdir(join(folder, "log"));
    await mkdir(join(folder, "secrets"));
    await writeFile(join(folder, "secrets", "master-key"), SECRET);
    expect(await scanFolder(folder, ["secrets"])).toEqual([]);
    for (const text of Object.values(ENCODED)) {
      const log = join(folder, "log", "api-0.log");
      for (const before of [0, 4 * 1024 * 1024 - 7]) {
        await writeFile(log, `${"-".repeat(before)}${text}\n`);
        expect(await scanFolder(folder, ["secrets"])).toContainEqual(
          expect.objectContaining({ place: "the file log/api-0.log" }),
        );
      }
      await rm(log);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("finds what Redis holds, and what it was told and holds no more", async () => {
  const redis = new Redis(testRedisUrl());
  const key = `${testRedisPrefix()}:planted`;
  const watch = await watchRedis(testRedisUrl());
  try {
    const writes: ((text: string) => Promise<unknown>)[] = [
      (text) => redis.set(key, text),
      (text) => redis.hset(key, "field", text),
      (text) => redis.rpush(key, "x", text),
      (text) => redis.sadd(key, text),
      (text) => redis.zadd(key, 1, text),
      (text) => redis.xadd(key, "*", "field", text),
      (text) => redis.set(`${key}:${text}`, "in the key", "PX", 2_000),
    ];
    for (const text of Object.values(ENCODED)) {
      for (const write of writes) {
        await write(text);
        expect((await scanRedis(testRedisUrl())).some(({ place }) => place.includes(key))).toBe(true);
        await redis.del(key, `${key}:${text}`);
      }
      const before = watch.leaks().length;
      await redis.publish(`${key}:channel`, text);
      await eventually(() => expect(watch.leaks().length).toBeGreaterThan(before));
    }
  } finally {
    watch.stop();
    redis.disconnect();
  }
});
