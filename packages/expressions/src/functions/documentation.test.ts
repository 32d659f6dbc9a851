import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { FUNCTIONS } from "./catalogue.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/expressions.md", import.meta.url));
const TABLE = /(<!-- functions: begin\.[^\n]*-->\n)[^]*(<!-- functions: end -->)/;

it("docs/expressions.md shows every function as it is", async () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toMatch(TABLE);
  const rows = FUNCTIONS.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ signature, summary, example, result }) =>
    row(code(signature), summary, code(example), code(result)),
  );
  const table = [row("function", "", "example", "gives"), "|---|---|---|---|\n", ...rows].join("");
  await expect(page.replace(TABLE, (_, begin: string, end: string) => `${begin}${table}${end}`)).toMatchFileSnapshot(
    PAGE,
  );
});

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}
