// An audit of everything: the walls between tenants, then every execution and every delivery, page by page along their keys.
//  A4. Each page, and each question about it, is a statement of its own, bounded by its rows and by the login's time-out;
//      what is started behind the place where the walk is, the next audit looks at.

import type { HotQuery, SystemCalls } from "../database.ts";
import { confirm, type Violation } from "./confirm.ts";
import { lookAt, type Suspect, questionsOf, type Subject } from "./questions.ts";
import { type Wall, wallsDown } from "./walls.ts";

export interface WholeAudit {
  readonly checked: {
    readonly executions: number;
    readonly deliveries: number;
    /** False where so much was wrong that the walk was broken off. */
    readonly complete: boolean;
  };
  readonly violations: readonly Violation[];
  readonly walls: readonly Wall[];
}

export interface WholeAuditOptions {
  /** Rows of one page; default 1,000. */
  readonly pageSize?: number;
  /** Suspects are looked at again after so long; default 3,000 ms. */
  readonly confirmAfterMs?: number;
  /** Told after each page how many have been looked at. */
  readonly onProgress?: (executions: number, deliveries: number) => void;
}

/** Index executions_pkey. */
const EXECUTIONS: HotQuery = {
  name: "audit_executions_page",
  text: "select * from keelson.audit_executions_page($1, $2, $3)",
};
/** Index deliveries_pkey. */
const DELIVERIES: HotQuery = {
  name: "audit_deliveries_page",
  text: "select * from keelson.audit_deliveries_page($1, $2, $3)",
};
const BEFORE_ALL = "00000000-0000-0000-0000-000000000000";
/** With so many suspects more of them tell nothing new: the walk is broken off. */
const MAX_SUSPECTS = 10_000;

export async function auditAll(system: SystemCalls, options: WholeAuditOptions = {}): Promise<WholeAudit> {
  const { pageSize = 1_000, confirmAfterMs = 3_000, onProgress } = options;
  const walls = await wallsDown(system);
  const suspects: Suspect[] = [];
  const looked = { execution: 0, delivery: 0 };
  let complete = true;
  for (const [type, query] of [["execution", EXECUTIONS] as const, ["delivery", DELIVERIES] as const]) {
    for await (const page of pagesOf(system, query, pageSize)) {
      for (const question of questionsOf(type, page)) suspects.push(...(await lookAt(system, question)));
      looked[type] += page.length;
      onProgress?.(looked.execution, looked.delivery);
      complete = suspects.length < MAX_SUSPECTS;
      if (!complete) break;
    }
    if (!complete) break;
  }
  const violations = await confirm(system, suspects, confirmAfterMs);
  return { checked: { executions: looked.execution, deliveries: looked.delivery, complete }, violations, walls };
}

async function* pagesOf(system: SystemCalls, query: HotQuery, size: number): AsyncGenerator<readonly Subject[]> {
  let last: Subject | undefined = { tenant_id: BEFORE_ALL, id: BEFORE_ALL };
  while (last !== undefined) {
    const page: readonly Subject[] = await system.call<Subject>(query, [last.tenant_id, last.id, size]);
    if (page.length > 0) yield page;
    last = page.length < size ? undefined : page.at(-1);
  }
}
