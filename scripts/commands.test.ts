import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const commands = [...read("docs/contract.md").matchAll(/^\| `npm (?:run )?(\w+)` \| (?!\*\*not yet)/gm)];

it("finds the commands of docs/contract.md", () => expect(commands.length).toBeGreaterThan(4));

it.each(commands.map(([, name = ""]) => name))("npm run %s becomes the script of its name", (name) => {
  const { scripts, engines } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  expect(scripts?.[name]).toBe(`exec sh scripts/run.sh ${name}`);
  expect(engines?.["node"]).toBe(">=20");
  // What is the same as another command has no script of its own.
  const script = new RegExp(`^ +${name}\\) script=(\\w+)`, "m").exec(read("scripts/run.sh"))?.[1] ?? name;
  expect(existsSync(join(root, "scripts", `${script}.ts`))).toBe(true);
  expect(read("scripts/run.sh")).toMatch(new RegExp(`^ +[^)#]*\\b${name}\\b[^)]*\\) script=`, "m"));
});
