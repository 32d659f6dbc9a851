// Expand and contract, tried: the commit before the newest migration, beside the present code, on one database.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readMigrations } from "@keelson/db";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkOut, findFormerRelease, NoHistoryError, type FormerRelease } from "./upgrade/former-release.ts";
import { runMixed } from "./upgrade/mixed-run.ts";

/** Executions that either release ends while both run. */
const EACH = 20;

const say = (line: string): void => void process.stderr.write(`    ${line}\n`);

/** A tree that was copied without its history has no former release to run: the test's own name says so then. */
const former = await findFormerRelease().catch((error: unknown) => {
  if (error instanceof NoHistoryError) return error;
  throw error;
});
const untried = former instanceof NoHistoryError ? "NOT TRIED, for want of git's history: " : "";

async function upgradeFrom(release: FormerRelease | NoHistoryError): Promise<readonly string[]> {
  say(release instanceof NoHistoryError ? release.message : `beside ${release.name}`);
  if (release instanceof NoHistoryError) return [];
  const tree = await checkOut(release);
  try {
    const { accepted, wrong } = await runMixed({ release, path: tree.path, each: EACH, log: say });
    say(`${accepted} accepted`);
    return wrong;
  } finally {
    await tree.remove();
  }
}

it(`${untried}the release before the newest migration and this one work on one database: nothing refused, lost, doubled or stuck`, async () => {
  expect(await upgradeFrom(former)).toEqual([]);
}, 600_000);

describe("the release before the newest migration", () => {
  const git = (folder: string, ...args: string[]): string =>
    execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@t", ...args], { encoding: "utf8" });
  let folder: string;
  let whole: string;
  let newest: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keelson-history-"));
    whole = join(folder, "whole");
    newest = (await readMigrations()).at(-1)?.name ?? "";
    const migration = join(whole, "packages/db/migrations", newest);
    await mkdir(migration, { recursive: true });
    git(whole, "init", "--quiet");
    git(whole, "commit", "--quiet", "--allow-empty", "-m", "The release before");
    await writeFile(join(migration, "migration.sql"), "select 1;");
    git(whole, "add", ".");
    git(whole, "commit", "--quiet", "-m", "The newest migration");
    git(whole, "commit", "--quiet", "--allow-empty", "-m", "Something else");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("is the parent of the commit that brought it", async () => {
    const found = await findFormerRelease(undefined, whole);
    expect(found).toMatchObject({ commit: git(whole, "rev-parse", "HEAD~2").trim(), edited: [] });
    expect(found.name).toContain("The release before");
    expect(found.added.at(-1)).toBe(newest);
  });

  it("is missing from a shallow clone, which is told so and how to fetch it", async () => {
    const shallow = join(folder, "shallow");
    git(folder, "clone", "--quiet", "--depth", "1", pathToFileURL(whole).href, shallow);
    await expect(findFormerRelease(undefined, shallow)).rejects.toThrow(
      `The commit before ${newest} is not in this checkout: git does not have it. Fetch the history (git fetch --unshallow)`,
    );
  });

  it("is missing from a copy without git, which is told so", async () => {
    await expect(findFormerRelease("v0.0.1", folder)).rejects.toThrow("v0.0.1 is not in this checkout: it is no git");
  });

  it("is fetched by CI", async () => {
    const workflow = await readFile(join(import.meta.dirname, "../.github/workflows/ci.yml"), "utf8");
    const [, test = ""] = workflow.split(/^ {2}test:$/m);
    expect(test.split(/^ {2}\S/m)[0]).toMatch(/actions\/checkout@v\d+\n +with:\n +fetch-depth: 0\n/);
  });
});
