// The names of fail points, held to the code that passes them and to the document that tells what they are for.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { FAIL_POINTS } from "./fail-points.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const read = (file: string): string => readFileSync(`${ROOT}${file}`, "utf8");

it("every fail point is passed at one place of the code, and none is passed that has no name", () => {
  const sources = globSync("{apps,packages}/*/src/**/*.ts", { cwd: ROOT }).filter((file) => !file.endsWith(".test.ts"));
  const passed = sources.flatMap((file) => [...read(file).matchAll(/failPoint\("([^"]+)"\)/g)].map(([, name]) => name));
  expect(new Set(passed)).toEqual(new Set(Object.keys(FAIL_POINTS)));
  expect(passed).toHaveLength(new Set(passed).size);
});

it("docs/reliability.md tells of each what is true there", () => {
  const rows = [...read("docs/reliability.md").matchAll(/^\| `([a-z]+(?:\.[a-z]+){2})` \| ([^|]+) \|/gm)];
  expect(Object.fromEntries(rows.map(([, name, moment]) => [name, moment]))).toEqual(FAIL_POINTS);
});
