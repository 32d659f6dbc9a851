// The last commit that did not know the newest migration, as a tree that runs: a git worktree in a temporary folder, with
// dependencies and database client. Who upgrades has it running beside the present code for a while.
import { execFile } from "node:child_process";
import { cp, glob, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { readMigrations } from "@keelson/db";

const ROOT = join(import.meta.dirname, "../..");
const MIGRATIONS = "packages/db/migrations";
const run = promisify(execFile);

export interface FormerRelease {
  readonly commit: string;
  /** Its hash in short, and its subject. */
  readonly name: string;
  /** Migrations that the present code has and it has not; the last one is the newest. */
  readonly added: readonly string[];
  /** Migrations that both have and that are not the same: no rule of expanding and contracting holds for them. */
  readonly edited: readonly string[];
}

/** Thrown where the history is not there; says how to fetch it. */
export class NoHistoryError extends Error {
  constructor(what: string, why: string) {
    super(`${what} is not in this checkout: ${why}. Fetch the history (git fetch --unshallow), or clone all of it.`);
    this.name = "NoHistoryError";
  }
}

/** `from`: another commit or tag than the last one before the newest migration. Throws NoHistoryError. */
export async function findFormerRelease(from?: string, root = ROOT): Promise<FormerRelease> {
  const present = await readMigrations();
  const newest = present.at(-1)?.name ?? "";
  const wanted = from ?? `The commit before ${newest}`;
  await git(root, "rev-parse", "--git-dir").catch(() => {
    throw new NoHistoryError(wanted, "it is no git checkout");
  });
  const commit = await git(root, "rev-parse", "--verify", `${from ?? (await before(root, newest))}^{commit}`).catch(
    () => {
      throw new NoHistoryError(wanted, "git does not have it");
    },
  );
  const had = await migrationsOf(root, commit);
  return {
    commit,
    name: await git(root, "log", "-1", "--format=%h %s", commit),
    added: present.filter(({ name }) => !had.has(name)).map(({ name }) => name),
    edited: present.filter(({ name, sql }) => had.has(name) && had.get(name) !== sql).map(({ name }) => name),
  };
}

/** The parent of the commit that brought a migration; HEAD while no commit has. */
async function before(root: string, migration: string): Promise<string> {
  const file = `${MIGRATIONS}/${migration}/migration.sql`;
  const brought = await git(root, "log", "-1", "--no-renames", "--diff-filter=A", "--format=%H", "--", file);
  return brought === "" ? "HEAD" : `${brought}^`;
}

async function migrationsOf(root: string, commit: string): Promise<Map<string, string>> {
  const files = await git(root, "ls-tree", "-r", "--name-only", commit, "--", MIGRATIONS);
  const found = await Promise.all(
    files
      .split("\n")
      .filter((file) => file.endsWith("/migration.sql"))
      .map(async (file): Promise<[string, string]> => {
        const { stdout } = await run("git", ["-C", root, "show", `${commit}:${file}`], { maxBuffer: 2 ** 26 });
        return [file.split("/").at(-2) ?? "", stdout];
      }),
  );
  return new Map(found);
}

export interface FormerTree {
  readonly path: string;
  remove(): Promise<void>;
}

/** Takes a second where the lockfile is the present one; else pnpm installs, by what its store has and then by the network. */
export async function checkOut({ commit }: FormerRelease): Promise<FormerTree> {
  const folder = await mkdtemp(join(tmpdir(), "keelson-former-"));
  const path = join(folder, "tree");
  const remove = async (): Promise<void> => {
    await git(ROOT, "worktree", "remove", "--force", "--force", path).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
    await git(ROOT, "worktree", "prune");
  };
  try {
    await git(ROOT, "worktree", "add", "--quiet", "--detach", path, commit);
    if (await isSame("pnpm-lock.yaml", path)) await linkDependencies(path);
    else await install(path);
    await bringClient(path);
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function linkDependencies(path: string): Promise<void> {
  await symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
  // Links to the tree's own packages, relative to where they lie, and to the store through the one above.
  for await (const folder of glob("{apps,packages}/*/node_modules", { cwd: ROOT })) {
    await cp(join(ROOT, folder), join(path, folder), { recursive: true, verbatimSymlinks: true }).catch(
      () => undefined,
    );
  }
}

async function install(path: string): Promise<void> {
  const how = ["--frozen-lockfile", "--prefer-offline", "--ignore-scripts", "--config.confirm-modules-purge=false"];
  await run("pnpm", ["install", ...how], { cwd: path, env: withTools(), maxBuffer: 2 ** 26 });
}

/** The generated client is in no commit. Generating needs no schema engine, which Prisma would download. */
async function bringClient(path: string): Promise<void> {
  const db = join(path, "packages/db");
  if (await isSame("packages/db/schema.prisma", path)) {
    await cp(join(ROOT, "packages/db/src/generated"), join(db, "src/generated"), { recursive: true });
    return;
  }
  const prisma = join(db, "node_modules/.bin/prisma");
  await run(prisma, ["generate"], {
    cwd: db,
    env: { ...withTools(), PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1" },
  });
}

/** The pnpm of set-up, and the Node that this runs on. */
function withTools(): Record<string, string | undefined> {
  const tools = [join(ROOT, ".tools/node_modules/.bin"), join(process.execPath, ".."), process.env["PATH"] ?? ""];
  return { ...process.env, PATH: tools.join(delimiter) };
}

async function isSame(file: string, path: string): Promise<boolean> {
  const [ours, theirs] = await Promise.all([readFile(join(ROOT, file)), readFile(join(path, file))]);
  return ours.equals(theirs);
}

async function git(root: string, ...args: string[]): Promise<string> {
  // CI checks out as another user than it runs tests as.
  const { stdout } = await run("git", ["-c", "safe.directory=*", "-C", root, ...args]);
  return stdout.trim();
}
