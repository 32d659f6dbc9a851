// docs/contract-coverage.md names for each line of docs/contract.md the tests that would fail if the line were not so.
//  1. A line is a sentence, or a row of a table. Each has a row, under the heading that it has in the contract.
//  2. A row begins with a piece of its line, word for word, and belongs to that line alone: to the row of a table that
//     begins with just this, else to the first line that holds it.
//  3. A row names tests by file and title, as they stand in the source.
// Lines marked "not yet" and blocks of code have none.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

interface Row {
  readonly piece: string;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const contract = sectionsOf("docs/contract.md", linesOf);
const coverage = sectionsOf("docs/contract-coverage.md", rowsOf);

it("docs/contract-coverage.md has a row for each line of docs/contract.md", () => {
  const missing = [...contract].flatMap(([heading, lines]) => {
    const covered = new Set((coverage.get(heading) ?? []).map(({ piece }) => lineOf(piece, lines)));
    return lines.filter((line) => !covered.has(line)).map((line) => `${heading}: ${line}`);
  });
  expect(missing).toEqual([]);
});

it("docs/contract-coverage.md has no row whose line has gone from docs/contract.md", () => {
  const stale = [...coverage].flatMap(([heading, rows]) => {
    const lines = contract.get(heading) ?? [];
    return rows.filter(({ piece }) => lineOf(piece, lines) === undefined).map(({ piece }) => `${heading}: ${piece}`);
  });
  expect(stale).toEqual([]);
});

it("docs/contract-coverage.md names tests that are there, by their titles", () => {
  const read = (file: string) => (existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), "utf8") : "");
  const rows = [...coverage.values()].flat();
  const files = new Set(rows.flatMap(({ tests }) => tests.map(({ file }) => file)));
  const sources = new Map([...files].map((file) => [file, read(file)]));
  const wrong = rows.flatMap(({ piece, tests }) =>
    tests.length === 0
      ? [`${piece}: no test`]
      : tests
          .filter(({ file, title }) => !isTitled(sources.get(file) ?? "", title))
          .map(({ file, title }) => `${piece}: ${file} › "${title}"`),
  );
  expect(wrong).toEqual([]);
});

function sectionsOf<T>(file: string, parse: (part: string) => T[]): Map<string, T[]> {
  const [, ...parts] = readFileSync(join(ROOT, file), "utf8")
    .replace(/^```[^]*?^```$/gm, "")
    .replace(/<!--[^]*?-->\n/g, "")
    .split(/^#+ /m);
  const sections = parts.map((part): [string, T[]] => {
    const end = part.indexOf("\n");
    return [part.slice(0, end), parse(part.slice(end))];
  });
  expect(new Set(sections.map(([heading]) => heading)).size).toBe(sections.length);
  return new Map(sections.filter(([, found]) => found.length > 0));
}

/** Sentences and rows of tables, each on one line. */
function linesOf(part: string): string[] {
  const lines = part.split(/\n{2,}|\n(?=- )/).flatMap((block) => {
    const isTable = block.trimStart().startsWith("|");
    return isTable ? block.trim().split("\n").slice(2) : sentencesOf(block.replace(/\s+/g, " ").trim());
  });
  const isTitle = (line: string) => /^\*\*[^*]+\.\*\*$/.test(line);
  return lines.filter((line) => line !== "" && !line.includes("**not yet**") && !isTitle(line));
}

/** Cut at full stops outside of code. */
function sentencesOf(text: string): string[] {
  return text.split(/(?<=\.[)*`]*) (?=[A-Z0-9`*?{[])(?=(?:[^`]*`[^`]*`)*[^`]*$)/);
}

function lineOf(piece: string, lines: readonly string[]): string | undefined {
  return lines.find((line) => line.startsWith(`| ${piece} |`)) ?? lines.find((line) => line.includes(piece));
}

function rowsOf(part: string): Row[] {
  return [...part.matchAll(/^\| (?!line \|)(.+?) \| (.*) \|$/gm)].map(([, piece = "", held = ""]) => ({
    piece,
    tests: [...held.matchAll(/`([^`]+\.test\.ts)` › "(.*?)"(?=<br>|$)/g)].map(([, file = "", title = ""]) => ({
      file,
      title: title.replaceAll("\\|", "|"),
    })),
  }));
}

function isTitled(source: string, title: string): boolean {
  return [JSON.stringify(title), `'${title}'`, `\`${title}\``].some((literal) => source.includes(`${literal},`));
}
