import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** A secret made on first use: 32 random bytes in `encoding`, in a file that only its owner may read. */
export async function keptSecret(file: string, encoding: "base64" | "base64url" | "hex"): Promise<string> {
  const kept = (await readFile(file, "utf8").catch(() => "")).trim();
  if (kept !== "") return kept;
  const secret = randomBytes(32).toString(encoding);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.tmp`, `${secret}\n`, { mode: 0o600 });
  await rename(`${file}.tmp`, file);
  return secret;
}
