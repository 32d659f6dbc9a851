// npm run audit: whether the invariants I2 to I7 hold in the database of an engine, all of it, while the engine runs or not.
// Exits 0 where nothing is wrong, 1 where something is, 2 where it could not look.
import { parseArgs } from "node:util";
import { auditAll, openDatabase, violationsKeep, type Database, type Violation, type WholeAudit } from "@keelson/db";
import { databaseOf } from "./audit/database-of.ts";
import { summaryOf, textOf } from "./audit/text-of.ts";
import { readAuditEnv } from "./env.ts";
import { createReport, explain } from "./report.ts";
import { exitCodeOf, watchStopWish } from "./stop-wish.ts";

const USAGE = `npm run audit -- [--json]
  --json  the findings as one JSON document on stdout
  DATABASE_URL names the database as the api has it; without it, that of \`npm start\` in KEELSON_DATA_DIR is looked at.
`;
const WRONG = 1;
const NOT_LOOKED = 2;
/** Findings that no audit has seen for so long are let go; ms. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

const stop = watchStopWish();
const report = createReport();

process.exit(
  await Promise.race([audit(), stop.wished.then(() => exitCodeOf(stop.signal))]).catch((error: unknown) => {
    report.line(explain(error));
    return NOT_LOOKED;
  }),
);

async function audit(): Promise<number> {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { url, named } = await databaseOf(readAuditEnv());
  const db = openDatabase({ url, applicationName: "keelson-audit", maxConnections: 2 });
  try {
    await checkReachable(db, named);
    const found = await report.stage("looked at everything", () =>
      db.withSystem("the audit of everything", (system) => auditAll(system)),
    );
    await keep(db, found.violations);
    process.stdout.write(values.json === true ? `${JSON.stringify(found, null, 2)}\n` : textOf(found));
    if (values.json === true) report.line(summaryOf(found));
    return isSound(found) ? 0 : WRONG;
  } finally {
    await db.close();
  }
}

/** The api's role suffices: what crosses tenants are functions that answer with ids, states and times. */
async function checkReachable(db: Database, named: string): Promise<void> {
  await db.pool.query("select 1").catch((cause: unknown) => {
    throw new Error(`PostgreSQL could not be reached by ${named}: ${explain(cause)}`, { cause });
  });
  await db.assertMigrated();
}

/** So that the operator's calls list them too; what has been found is told in any case. */
async function keep(db: Database, violations: readonly Violation[]): Promise<void> {
  await violationsKeep(db, violations, new Date(Date.now() - KEPT_MS)).catch((error: unknown) => {
    report.line(`The findings could not be kept for GET /v1/ops/violations: ${explain(error)}`);
  });
}

function isSound({ violations, walls, checked }: WholeAudit): boolean {
  return violations.length === 0 && walls.length === 0 && checked.complete;
}
