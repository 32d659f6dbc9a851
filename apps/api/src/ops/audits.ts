// Audits on demand: one at a time in this process, kept, counted and answered.

import { type Audit, CHECKS, type Database, auditOnce, violationsKeep } from "@keelson/db";
import type { Logger, Metrics } from "@keelson/service-kit";
import { Counter } from "prom-client";

/** Findings that no audit has seen for so long are let go; ms. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export interface Audits {
  /** What an audit finds; who asks while one is under way gets the same. */
  run(): Promise<Audit>;
}

export function createAudits(deps: { readonly db: Database; readonly metrics: Metrics; readonly log: Logger }): Audits {
  const found = new Counter({
    name: "keelson_invariant_violations_total",
    help: "Broken invariants that audits have found, by check; found again, counted again.",
    labelNames: ["check", "invariant"] as const,
    registers: [deps.metrics.registry],
  });
  // From 0 on, or the first finding of all would be no increase.
  for (const [check, { invariant }] of Object.entries(CHECKS)) found.inc({ check, invariant }, 0);
  let running: Promise<Audit> | null = null;

  async function audit(): Promise<Audit> {
    const result = await deps.db.withSystem("the audit of the invariants", (system) => auditOnce(system));
    await violationsKeep(deps.db, result.violations, new Date(Date.now() - KEPT_MS));
    for (const { code, invariant, tenantId, subject, text } of result.violations) {
      found.inc({ check: code, invariant });
      const ids = { tenant_id: tenantId, [`${subject.type}_id`]: subject.id };
      deps.log.error({ ...ids, code, invariant, finding: text }, "invariant.violated");
    }
    return result;
  }

  return {
    run() {
      running ??= audit().finally(() => {
        running = null;
      });
      return running;
    },
  };
}
