// The list of mutations cannot rot: what each takes away stands in the sources, the tests that catch it are there, and
// docs/testing.md shows the whole list. Whether they are caught is tried by `npm run mutations`.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MUTATIONS } from "./mutations/list.ts";
import { isTitled, mutated, patternOf } from "./mutations/mutation.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGE = join(ROOT, "docs/testing.md");
const TABLE = /(<!-- mutations: begin\.[^\n]*-->\n)[^]*(<!-- mutations: end -->)/;
const read = (file: string): string => (existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), "utf8") : "");

it("has no name twice, and a dozen of each kind", () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  expect(MUTATIONS.length).toBeGreaterThan(36);
});

it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  "%s: its text stands once in its file, and the tests that catch it are there",
  (_name, mutation) => {
    const source = read(mutation.file);
    expect(mutated(mutation, source)).not.toBe(source);
    const missing = mutation.caughtBy.filter(({ file, title, titledIn = file }) => !isTitled(read(titledIn), title));
    expect(missing).toEqual([]);
    expect(mutation.caughtBy).not.toEqual([]);
  },
);

it("refuses a mutation whose text is not there, or is there twice, and says what to do", () => {
  const mutation = { name: "one", breaks: "", file: "a.ts", find: "x", replace: "$&", caughtBy: [] };
  expect(mutated(mutation, "a x b")).toBe("a $& b");
  expect(() => mutated(mutation, "a")).toThrow("stands 0 times in a.ts");
  expect(() => mutated(mutation, "x x")).toThrow("Set `find` in scripts/mutations");
});

it("finds the cases of a test by its title, whatever stands for its placeholders", () => {
  expect("what it does (I1)").toMatch(new RegExp(patternOf("it does (I1)")));
  expect('a group to "x" is refused').toMatch(new RegExp(patternOf("to %j is refused")));
  expect("as app with the tenant unset").toMatch(new RegExp(patternOf("as ${role} with the tenant ${setting}")));
  expect("is refused, and more").not.toMatch(new RegExp(patternOf("is refused")));
});

it("docs/testing.md shows every mutation and what catches it", async () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toMatch(TABLE);
  const rows = MUTATIONS.map(({ name, breaks, caughtBy }) => {
    const tests = caughtBy.map(({ file, title }) => `\`${file}\` › "${title}"`);
    return `| \`${name}\` | ${breaks} | ${tests.join("<br>")} |\n`;
  });
  const table = ["| mutation | the engine … | caught by |\n", "|---|---|---|\n", ...rows].join("");
  await expect(page.replace(TABLE, (_, begin: string, end: string) => `${begin}${table}${end}`)).toMatchFileSnapshot(
    PAGE,
  );
});
