import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { complaint } from "../fixtures/scope.ts";
import { FUNCTIONS } from "./catalogue.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/expressions.md", import.meta.url));
const FUNCTION_TABLE = /(<!-- functions: begin\.[^\n]*-->\n)[^]*(<!-- functions: end -->)/;

const MISTAKES = /(<!-- mistakes: begin\.[^\n]*-->\n)[^]*(<!-- mistakes: end -->)/;

/** Each once at save and while it runs: what a document's author sees. */
const SHOWN = [
  "payload.id",
  "steps.charge.result",
  "upper(input.name)",
  "input.a = 1",
  "input.a and input.b",
  "input.a | json",
  "`order ${input.id}`",
  "input.a ?? input.b || input.c",
  "padStart(input.id)",
  "input.customer.name",
  '"1" * 2',
  '[1, "2"].sum()',
  "round(1.5, 1.5)",
  'date("tomorrow")',
  'parseJson("{")',
  "input.items.map(i => i.id)",
  "1 / 0",
];

it("docs/expressions.md shows every function as it is, and what mistakes are answered with", async () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toMatch(FUNCTION_TABLE);
  expect(page).toMatch(MISTAKES);
  const withFunctions = withTable(page, FUNCTION_TABLE, [
    row("function", "", "example", "gives"),
    "|---|---|---|---|\n",
    ...FUNCTIONS.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ signature, summary, example, result }) =>
      row(code(signature), summary, code(example), code(result)),
    ),
  ]);
  const withBoth = withTable(withFunctions, MISTAKES, [
    row("expression", "answer"),
    "|---|---|\n",
    ...SHOWN.map((source) => row(code(source), complaint(source, { items: null, a: 1, b: 2 }))),
  ]);
  await expect(withBoth).toMatchFileSnapshot(PAGE);
});

function withTable(page: string, part: RegExp, rows: readonly string[]): string {
  return page.replace(part, (_, begin: string, end: string) => `${begin}${rows.join("")}${end}`);
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}

function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}
