// What workers say that they could not end in time and gave to others, by their logs: on a machine that is too slow for a
// stop's grace that is more than a test has provoked, and each may have had its effect once more, under the same key.
import { readFile } from "node:fs/promises";
import type { Engine } from "./engine.ts";

/** Ids of the executions. */
export async function givenBack(engine: Engine): Promise<Set<string>> {
  const files = engine.stack.instances.worker.map((instance) => instance.process.logFile ?? "");
  const logs = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const lines = logs.join("\n").matchAll(/"execution_id":"([^"]+)".*"msg":"execution\.given_back"/g);
  const ids = new Set([...lines].map(([, id = ""]) => id));
  if (ids.size > 0) process.stderr.write(`    ${ids.size} were given back\n`);
  return ids;
}
