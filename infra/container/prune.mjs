// Takes out of an installed tree what no running service opens: Prisma's query compilers for other databases, types,
// source maps. Usage, in the root of the tree: node prune.mjs
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const UNUSED = [
  /\.map$/,
  /\.d\.[cm]?ts$/,
  /\.(md|markdown|flow|tsbuildinfo)$/i,
  // Named by the generated client: query_compiler_fast_bg.postgresql*.mjs.
  /query_compiler_small_bg\..*/,
  /query_compiler_fast_bg\.(cockroachdb|mysql|sqlite|sqlserver)\..*/,
  /query_compiler_fast_bg\.postgresql\.(wasm-base64\.)?js$/,
];

let files = 0;
for (const entry of readdirSync("node_modules", { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !UNUSED.some((pattern) => pattern.test(entry.name))) continue;
  rmSync(join(entry.parentPath, entry.name), { force: true });
  files += 1;
}
process.stdout.write(`${files} files taken out\n`);
