// The repository's documents name files of the tree: those files are there, and the tests that ARCHITECTURE.md says hold
// a trap say so themselves.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DOCUMENTS = ["", "docs", "docs/adr"].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);
/** A path in backticks; one with a placeholder (`<name>`, `*`, `…`) stands for many. */
const PATH = /`((?:apps|docs|e2e|examples|infra|packages|scripts)\/[^`\s<>*…]+)`/g;
const LINK = /\]\((?!https?:|#)([^)#\s]+)/g;

it.each(DOCUMENTS)("%s names only files that are there", (document) => {
  const text = readFileSync(join(ROOT, document), "utf8");
  const paths = [...text.matchAll(PATH)].map(([, path = ""]) => path);
  const links = [...text.matchAll(LINK)].map(([, link = ""]) => join(dirname(document), link));
  expect([...paths, ...links].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

it("each trap of ARCHITECTURE.md is named by every test that holds it", () => {
  const rows = [...readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8").matchAll(/^\| (T\d+) \|.*$/gm)];
  expect(rows.map(([, trap]) => trap)).toEqual(Array.from({ length: 14 }, (_, index) => `T${index + 1}`));
  const unheld = rows.flatMap(([row, trap]) => {
    const tests = [...row.matchAll(PATH)].flatMap(([, path = ""]) => (path.endsWith(".test.ts") ? [path] : []));
    const silent = tests.filter((path) => !new RegExp(`\\b${trap}\\b`).test(readFileSync(join(ROOT, path), "utf8")));
    return tests.length === 0 ? [`${trap}: no test`] : silent.map((path) => `${trap}: ${path}`);
  });
  expect(unheld).toEqual([]);
});
