import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "./log.ts";
import { SERVICES } from "./stack-options.ts";
import { stopLeftover } from "./stop-process.ts";

/**
 * Stops the services that a launcher which was itself killed left running in this folder, before their servers are
 * stopped under them. The caller holds the folder's lock.
 */
export async function stopLeftoverServices(dataDir: string, log: Log): Promise<void> {
  const runDir = join(dataDir, "run");
  const files = (await readdir(runDir).catch(() => [])).filter((entry) =>
    SERVICES.some((service) => new RegExp(`^${service}-\\d+\\.pid$`).test(entry)),
  );
  const stopped = await Promise.all(
    files.map((file) => stopLeftover(join(runDir, file), { signal: "SIGTERM", graceMs: 10_000 })),
  );
  const count = stopped.filter((pid) => pid !== null).length;
  if (count > 0) log(`stopped ${count} services that a former run left behind`);
}
