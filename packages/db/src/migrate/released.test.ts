// The rules of docs/upgrade.md, as far as they can be read off the files.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readMigrations } from "./migrate.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const migrations = await readMigrations();
/** As sha256sum writes it; empty until something is released. */
const released = [...read("packages/db/migrations/released.sha256").matchAll(/^(\w{64}) [ *](\w+)\/migration\.sql$/gm)];

/** What the release before may still use, or what waits for every row. */
const CONTRACTS: readonly [what: string, pattern: RegExp][] = [
  ["takes something away", /^\s*drop\s+(?!policy|trigger)/im],
  ["takes a column or constraint away", /\balter\s+table\b[^;]*\bdrop\s+(?:column|constraint)\b/i],
  ["gives something another name", /\brename\s+(?:to|column|constraint)\b/i],
  ["gives a column another type", /\balter\s+(?:column\s+)?\w+\s+(?:set\s+data\s+)?type\b/i],
  ["demands a value that the release before does not write", /\balter\s+(?:column\s+)?\w+\s+set\s+not\s+null\b/i],
];

/** What a migration that says it breaks nothing does nevertheless. */
function brokenPromises(sql: string): string[] {
  const code = sql.replace(/--.*$/gm, "");
  return CONTRACTS.filter(([, pattern]) => pattern.test(code)).map(([what]) => what);
}

describe("a migration", () => {
  it.each(migrations)("$name says at its head whether it breaks what runs, and what it locks", ({ sql }) => {
    const [head = ""] = sql.split(/^(?!--)/m);
    expect(head.replaceAll("\n--", "")).toMatch(/Breaking: (?:no|yes, \S.*)\. Locks: \S/);
  });

  it.each(migrations.filter(({ sql }) => /Breaking: no/.test(sql)))("$name breaks nothing, as it says", ({ sql }) => {
    expect(brokenPromises(sql)).toEqual([]);
  });

  it.each([
    ["drop table keelson.a;", "takes something away"],
    ["drop function keelson.f(uuid);", "takes something away"],
    ["alter table keelson.a\n  drop column b;", "takes a column or constraint away"],
    ["alter table keelson.a rename column b to c;", "gives something another name"],
    ["alter table keelson.a alter column b type bigint;", "gives a column another type"],
    ["alter table keelson.a alter b set not null;", "demands a value that the release before does not write"],
  ])("would be caught: %s", (sql, what) => {
    expect(brokenPromises(sql)).toContain(what);
    expect(brokenPromises(`-- ${sql.replaceAll("\n", " ")}`)).toEqual([]);
  });
});

describe("a released migration", () => {
  it("is as it was released", () => {
    const present = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
    for (const [, checksum, name = ""] of released) {
      expect(present.get(name), `${name} was released: leave it as it was, and add a migration`).toBe(checksum);
    }
  });

  it("comes before those that are not", () => {
    const names = migrations.map(({ name }) => name).slice(0, released.length);
    expect(released.map(([, , name]) => name)).toEqual(names);
  });

  it("is written down with its release", () => {
    const dated = /^## \[\d+\.\d+\.\d+\] – \d{4}-\d{2}-\d{2}$/m.test(read("CHANGELOG.md"));
    expect(released.length > 0, "see `Release` in docs/upgrade.md").toBe(dated);
  });
});
