// npm run format: formats everything, and mends what lint can mend by itself.
import { join } from "node:path";
import { runCommand } from "./run-command.ts";
import { exitCodeOf, watchStopWish } from "./stop-wish.ts";

const { signal } = watchStopWish();
const bin = join("node_modules", ".bin");

process.exit(await format().catch(() => exitCodeOf(signal)));

async function format(): Promise<number> {
  await runCommand(join(bin, "oxlint"), ["--fix", "--quiet"], { show: true, signal });
  const { ok } = await runCommand(join(bin, "oxfmt"), [], { show: true, signal });
  return ok ? 0 : 1;
}
