// The audit's questions as PostgreSQL takes them: what to look at, what is suspicious of it, and whose a stranger is.

import type { HotQuery, SystemCalls } from "../database.ts";
import { type CheckCode, isCheckCode } from "./checks.ts";

/** Indexes executions_unfinished, executions_retention. */
const EXECUTIONS: HotQuery = {
  name: "audit_executions_sample",
  text: "select * from keelson.audit_executions_sample($1, $2, $3)",
};
/** Index deliveries_retention. */
const DELIVERIES: HotQuery = {
  name: "audit_deliveries_sample",
  text: "select * from keelson.audit_deliveries_sample($1)",
};
/** Primary keys of what hangs on the executions. */
const LOOKS = {
  execution: [
    { name: "audit_executions", text: "select * from keelson.audit_executions($1, $2)" },
    { name: "audit_histories", text: "select * from keelson.audit_histories($1, $2)" },
  ],
  delivery: [{ name: "audit_deliveries", text: "select * from keelson.audit_deliveries($1, $2)" }],
} satisfies Record<string, readonly HotQuery[]>;
/** Primary key, once for each tenant. */
const OTHERS: HotQuery = { name: "executions_of_others", text: "select * from keelson.executions_of_others($1)" };

/** Subjects of one question: each is a statement of its own, and must end long before its time-out. */
const SUBJECTS = 100;

/** Some subjects of one tenant. */
export interface Question {
  readonly tenantId: string;
  readonly type: "execution" | "delivery";
  readonly ids: readonly string[];
}

export interface Suspect {
  readonly code: CheckCode;
  readonly tenantId: string;
  readonly subject: { readonly type: "execution" | "delivery"; readonly id: string };
  readonly place: string;
  readonly seen: string;
  /** An execution that it names and its tenant has not. */
  readonly ref: string | null;
}

export interface Sample {
  /** What has not ended comes first, then what has, then deliveries. */
  readonly questions: readonly Question[];
  readonly unfinished: number;
  readonly ended: number;
  readonly endedSince: Date | null;
}

export interface Subject {
  readonly tenant_id: string;
  readonly id: string;
}

export async function sampleOf(
  system: SystemCalls,
  max: {
    readonly maxUnfinished: number;
    readonly maxEnded: number;
    readonly maxDeliveries: number;
    readonly endedBefore: Date | null;
  },
): Promise<Sample> {
  const values = [max.maxUnfinished, max.maxEnded, max.endedBefore];
  const executions = await system.call<Subject & { finished_at: Date | null }>(EXECUTIONS, values);
  const deliveries = await system.call<Subject>(DELIVERIES, [max.maxDeliveries]);
  const unfinished = executions.filter((row) => row.finished_at === null);
  const ended = executions.filter((row) => row.finished_at !== null);
  return {
    questions: [
      ...questionsOf("execution", unfinished),
      ...questionsOf("execution", ended),
      ...questionsOf("delivery", deliveries),
    ],
    unfinished: unfinished.length,
    ended: ended.length,
    endedSince: ended.at(-1)?.finished_at ?? null,
  };
}

/** At most a hundred subjects each. */
export function questionsOf(type: Question["type"], subjects: readonly Subject[]): Question[] {
  const questions: Question[] = [];
  for (const [tenantId, own] of Map.groupBy(subjects, (subject) => subject.tenant_id)) {
    for (let from = 0; from < own.length; from += SUBJECTS) {
      questions.push({ tenantId, type, ids: own.slice(from, from + SUBJECTS).map(({ id }) => id) });
    }
  }
  return questions;
}

export async function lookAt(system: SystemCalls, { tenantId, type, ids }: Question): Promise<Suspect[]> {
  const found: Suspect[] = [];
  for (const look of LOOKS[type]) {
    const rows = await system.call<SuspectRow>(look, [tenantId, ids]);
    for (const { code, subject_id: id, place, seen, ref } of rows) {
      if (!isCheckCode(code)) throw new Error(`${look.name} knows a check ${code} that has no words`);
      found.push({ code, tenantId, subject: { type, id }, place, seen, ref });
    }
  }
  return found;
}

interface SuspectRow {
  readonly code: string;
  readonly subject_id: string;
  readonly place: string;
  readonly seen: string;
  readonly ref: string | null;
}

/** Whose the executions are that suspects name and their tenants have not; those that nobody has are left out. */
export async function strangersAmong(
  system: SystemCalls,
  suspects: readonly Suspect[],
): Promise<ReadonlyMap<string, string>> {
  const refs = suspects.flatMap(({ code, ref }) => (code === "OTHER_TENANTS" && ref !== null ? [ref] : []));
  if (refs.length === 0) return new Map();
  const rows = await system.call<Subject>(OTHERS, [[...new Set(refs)]]);
  return new Map(rows.map((row) => [row.id, row.tenant_id]));
}

/** The same suspect, whenever it is looked at. */
export function keyOf({ code, tenantId, subject, place }: Suspect): string {
  return [tenantId, code, subject.id, place].join(" ");
}
