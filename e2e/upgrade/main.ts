// npm run try-upgrade: the release before the newest migration beside the present code. Exits 1 where anything is wrong.
import { parseArgs } from "node:util";
import { checkOut, findFormerRelease } from "./former-release.ts";
import { runMixed } from "./mixed-run.ts";

const USAGE = `npm run try-upgrade -- [--from COMMIT] [--each 200]
  --from  the commit or tag that is upgraded. Default: the last one before the newest migration
  --each  how many executions the two releases are to end each while both run
`;

const { values } = parseArgs({
  options: { from: { type: "string" }, each: { type: "string", default: "200" }, help: { type: "boolean" } },
});
if (values.help === true) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const log = (line: string): void => void process.stderr.write(`${line}\n`);

process.exit(
  await tryUpgrade().catch((error: unknown) => {
    log(error instanceof Error ? error.message : String(error));
    return 1;
  }),
);

async function tryUpgrade(): Promise<number> {
  const release = await findFormerRelease(values.from);
  for (const name of release.edited) log(`${name} was edited in place since: it is tried as it is now`);
  const tree = await checkOut(release);
  try {
    const { accepted, ended, wrong } = await runMixed({ release, path: tree.path, each: Number(values.each), log });
    for (const line of wrong) process.stdout.write(`wrong: ${line}\n`);
    process.stdout.write(
      `${release.name}, beside the present code: ${accepted} starts accepted, ${ended.former} ended by the former release ` +
        `and ${ended.present} by the present one while both ran; ${wrong.length} wrong\n`,
    );
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await tree.remove();
  }
}
