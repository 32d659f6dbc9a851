// npm run mutations: breaks the engine on purpose, one guard at a time, in a copy of the checkout, and demands that the tests
// named for it fail. Exits 1 where a mutation survives, where its text has gone from the sources, or where a named test
// fails without any mutation.
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRunFolder } from "@keelson/local-stack";
import { MUTATIONS } from "./mutations/list.ts";
import { TextNotFound, type Mutation } from "./mutations/mutation.ts";
import { copyTree, type Tree } from "./mutations/tree.ts";
import { tryTests } from "./mutations/try-tests.ts";
import { createReport, explain } from "./report.ts";
import { exitCodeOf, watchStopWish } from "./stop-wish.ts";

const USAGE = `npm run mutations -- [--only NAME]... [--list]
  --only   this mutation alone; may be given several times
  --list   the names, with what each breaks
`;
/** Of a run that showed nothing. */
const SHOWN_LINES = 30;

const stop = watchStopWish();
const report = createReport();
const print = (text: string): void => void process.stdout.write(`${text}\n`);

process.exit(
  await main().catch((error: unknown) => {
    if (!stop.signal.aborted) report.line(explain(error));
    return stop.signal.aborted ? exitCodeOf(stop.signal) : 1;
  }),
);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { only: { type: "string", multiple: true }, list: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const chosen = choose(values.only);
  if (values.list === true) {
    for (const { name, breaks } of chosen) print(`${name.padEnd(28)} ${breaks}`);
    return 0;
  }
  const folder = await createRunFolder(report.line);
  try {
    const path = join(folder.path, "tree");
    await mkdir(path);
    await chmod(path, 0o755);
    return await tryAll(await copyTree(join(import.meta.dirname, ".."), path), chosen);
  } finally {
    await folder.dispose();
  }
}

function choose(names: readonly string[] | undefined): readonly Mutation[] {
  const unknown = names?.filter((name) => !MUTATIONS.some((mutation) => mutation.name === name)) ?? [];
  if (unknown.length > 0) {
    throw new Error(`There is no mutation ${unknown.join(", ")}. \`npm run mutations -- --list\` names them all.`);
  }
  return MUTATIONS.filter(({ name }) => names === undefined || names.includes(name));
}

async function tryAll(tree: Tree, chosen: readonly Mutation[]): Promise<number> {
  const problems = await tryUnbroken(tree, chosen);
  for (const mutation of chosen) {
    const beganMs = performance.now();
    const problem = await tryOne(tree, mutation);
    const tookSeconds = Math.round((performance.now() - beganMs) / 1000);
    const how = problem === null ? "caught" : "SURVIVED";
    print(`${how.padEnd(9)} ${mutation.name.padEnd(28)} ${String(tookSeconds).padStart(4)} s  ${mutation.breaks}`);
    if (problem === null) for (const { file, title } of mutation.caughtBy) print(`          by ${file} › "${title}"`);
    else problems.push(problem);
  }
  for (const problem of problems) print(`\n${problem}`);
  print(
    `\n${chosen.length} mutations, ${problems.length === 0 ? "each caught by its tests" : "not all of them caught"}`,
  );
  return problems.length === 0 ? 0 : 1;
}

/** The tests that pass whatever is done to the sources say nothing, nor do those that never pass. */
async function tryUnbroken(tree: Tree, chosen: readonly Mutation[]): Promise<string[]> {
  const tests = chosen.flatMap(({ caughtBy }) => caughtBy);
  const { outcomeOf, output } = await report.stage("the named tests without a mutation", () =>
    tryTests(tree.path, tests, stop.signal),
  );
  const wrong = tests.filter((test) => outcomeOf(test) !== "passed");
  const lines = new Set(wrong.map((test) => `${test.file} › "${test.title}" ${outcomeOf(test)} without a mutation.`));
  return lines.size === 0 ? [] : [[...lines, lastLines(output)].join("\n")];
}

/** What is wrong; null: it was caught by each of its tests. */
async function tryOne(tree: Tree, mutation: Mutation): Promise<string | null> {
  const tried = await tree
    .mutate(mutation, () => tryTests(tree.path, mutation.caughtBy, stop.signal))
    .catch((error: unknown) => {
      if (error instanceof TextNotFound) return error;
      throw error;
    });
  if (tried instanceof TextNotFound) return tried.message;
  const { outcomeOf, output } = tried;
  const missed = mutation.caughtBy.filter((test) => outcomeOf(test) !== "failed");
  if (missed.length === 0) return null;
  const lines = missed.map((test) => `${mutation.name}: ${test.file} › "${test.title}" ${outcomeOf(test)}.`);
  return missed.some((test) => outcomeOf(test) === "absent")
    ? [...lines, "A test that did not run has not caught it. What was printed ends:", lastLines(output)].join("\n")
    : [...lines, "Write the test that notices, or name the one that does."].join("\n");
}

function lastLines(output: string): string {
  return output.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
}
