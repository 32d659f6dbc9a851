// A copy of the checkout to break things in: tracked and new files as they are now, what git ignores left out. Dependencies
// are those of the checkout, but a package's own links are made anew, so that they lead to the copied packages.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { mutated, type Mutation } from "./mutation.ts";

const run = promisify(execFile);

const GENERATED = "packages/db/src/generated";

export interface Tree {
  readonly path: string;
  /** Applies a mutation while `work` runs, and puts the file back as it was. */
  readonly mutate: <T>(mutation: Mutation, work: () => Promise<T>) => Promise<T>;
}

export async function copyTree(root: string, path: string): Promise<Tree> {
  const listed = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    maxBuffer: 1 << 26,
  });
  for (const file of listed.stdout.split("\0").filter((name) => name !== "")) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    // One that was deleted and not committed yet is listed all the same.
    await cp(join(root, file), join(path, file), { verbatimSymlinks: true }).catch(ignoreMissing);
  }
  await cp(join(root, GENERATED), join(path, GENERATED), { recursive: true });
  for (const shared of ["node_modules", ".tools"]) await symlink(join(root, shared), join(path, shared));
  for (const folder of await packagesOf(root)) {
    const links = join(folder, "node_modules");
    await cp(join(root, links), join(path, links), { recursive: true, verbatimSymlinks: true }).catch(ignoreMissing);
  }
  return {
    path,
    async mutate(mutation, work) {
      const file = join(path, mutation.file);
      const source = await readFile(file, "utf8");
      await writeFile(file, mutated(mutation, source));
      try {
        return await work();
      } finally {
        await writeFile(file, source);
      }
    },
  };
}

async function packagesOf(root: string): Promise<readonly string[]> {
  const below = async (folder: string): Promise<string[]> =>
    (await readdir(join(root, folder))).map((name) => join(folder, name));
  return [...(await below("apps")), ...(await below("packages")), "e2e", "scripts", "examples"];
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
