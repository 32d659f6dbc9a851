// Whether every execution in the database keeps the invariants (I2 to I7), by the engine's own audit.
import { auditOnce, type Violation } from "@keelson/db";
import type { QueryResultRow } from "pg";
import type { Engine } from "./engine.ts";

const EVERYTHING = 1_000_000;

export async function violations(engine: Engine): Promise<readonly Violation[]> {
  const audit = await auditOnce(
    {
      call: <R extends QueryResultRow>(query: { text: string }, values: readonly unknown[]) =>
        engine.query<R>(query.text, values),
    },
    {
      maxUnfinished: EVERYTHING,
      maxEnded: EVERYTHING,
      maxDeliveries: EVERYTHING,
      confirmAfterMs: 1_000,
      budgetMs: 60_000,
    },
  );
  if (!audit.checked.complete) throw new Error(`Not everything was looked at: ${JSON.stringify(audit.checked)}`);
  return audit.violations;
}
