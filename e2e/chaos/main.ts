// npm run chaos: one campaign, as long and as hard as its options say. Exits 1 where anything is wrong.
import { parseArgs } from "node:util";
import { isSound, runCampaign } from "./campaign.ts";
import { reportOf } from "./report.ts";

const USAGE = `npm run chaos -- [--seed N] [--executions 5000] [--faults 500] [--seconds S] [--keep-logs] [--quiet]
  --seed        a whole number; the same draws the same workflows, inputs and faults. Default: the time
  --executions  to start; children come on top
  --faults      to inject
  --seconds     over which starts and faults are spread. Default: two for each fault
  --keep-logs   keeps the services' logs although nothing is wrong
  --quiet       says nothing while it runs
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    executions: { type: "string", default: "5000" },
    faults: { type: "string", default: "500" },
    seconds: { type: "string" },
    "keep-logs": { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const faults = wholeNumber("faults", values.faults);
const startedMs = performance.now();
const result = await runCampaign({
  seed: values.seed === undefined ? Date.now() % 1_000_000 : wholeNumber("seed", values.seed),
  executions: wholeNumber("executions", values.executions),
  faults,
  keepLogs: values["keep-logs"],
  seconds: values.seconds === undefined ? Math.max(20, faults * 2) : wholeNumber("seconds", values.seconds),
  log: (line) => {
    const second = Math.round((performance.now() - startedMs) / 1_000);
    if (!values.quiet) process.stderr.write(`${String(second).padStart(5)} s  ${line}\n`);
  },
});
process.stdout.write(`${reportOf(result)}\n`);
process.exit(isSound(result) ? 0 : 1);

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`--${option} is a whole number, not '${text}'.\n${USAGE}`);
  process.exit(2);
}
