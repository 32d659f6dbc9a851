// What audits have found, kept until none has seen it for long: each finding is the tenant's row, read across tenants.

import type { Database, HotQuery } from "../database.ts";
import { type Page, pageFrom } from "../entities/page.ts";
import type { Violation } from "./confirm.ts";

const WRITE_FOUND: HotQuery = { name: "violations_write", text: "select keelson.violations_write($1, $2)" };
/** Index violations_seen. */
const LIST_FOUND: HotQuery = { name: "violations_list", text: "select * from keelson.violations_list($1, $2, $3)" };
/** Index violations_seen. */
const RETIRE_FOUND: HotQuery = { name: "violations_retire", text: "select keelson.violations_retire($1, $2)" };

/** Findings let go of at once, at most. */
const RETIRE_BATCH = 10_000;

export interface SeenViolation extends Omit<Violation, "code"> {
  /** Its position in the list. */
  readonly key: string;
  readonly code: string;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
}

/** Keeps what an audit found, and lets go of what none has seen since `forgetBefore`. */
export function violationsKeep(db: Database, found: readonly Violation[], forgetBefore: Date): Promise<void> {
  return db.withSystem("the findings of an audit", async ({ call }) => {
    for (const [tenantId, own] of Map.groupBy(found, (violation) => violation.tenantId)) {
      const rows = own.map(({ subject, ...row }) => ({ ...row, subjectId: subject.id, subjectType: subject.type }));
      await call(WRITE_FOUND, [tenantId, JSON.stringify(rows)]);
    }
    await call(RETIRE_FOUND, [forgetBefore, RETIRE_BATCH]);
  });
}

/** The last seen first; `before`: the last one of the page before. */
export function violationsList(
  db: Database,
  page: { readonly before: { readonly lastSeenAt: Date; readonly key: string } | null; readonly limit: number },
): Promise<Page<SeenViolation>> {
  return db.withSystem("broken invariants of all tenants", async ({ call }) => {
    const rows = await call<ViolationRow>(LIST_FOUND, [
      page.before?.lastSeenAt ?? null,
      page.before?.key ?? null,
      page.limit + 1,
    ]);
    return pageFrom(rows.map(seenOf), page.limit);
  });
}

interface ViolationRow extends Pick<SeenViolation, "key" | "code" | "invariant" | "place" | "text" | "remedy"> {
  readonly tenant_id: string;
  readonly subject_type: "execution" | "delivery";
  readonly subject_id: string;
  readonly first_seen_at: Date;
  readonly last_seen_at: Date;
}

function seenOf({ key, code, invariant, place, text, remedy, ...row }: ViolationRow): SeenViolation {
  return {
    key,
    code,
    invariant,
    tenantId: row.tenant_id,
    subject: { type: row.subject_type, id: row.subject_id },
    place,
    text,
    remedy,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
  };
}
