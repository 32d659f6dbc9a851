// An audit: asks of the live database whether the invariants hold, in bounded questions, while everything goes on.
//  A1. Each question is one snapshot, in which every commit is whole: work in progress is no finding.
//  A2. A suspect is looked at again some seconds later, and is a finding only if it is still there: what is being put right
//      is none.
//  A3. It looks at what has not ended and at what ended last, so many at most; what it left out, it says.

import type { SystemCalls } from "../database.ts";
import { CHECKS, type CheckCode } from "./checks.ts";
import { type Question, type Suspect, keyOf, lookAt, sampleOf, strangersAmong } from "./questions.ts";

export interface AuditOptions {
  /** Executions that have not ended, at most; default 5,000. */
  readonly maxUnfinished?: number;
  /** Executions that have ended, the last ones, at most; default 2,000. */
  readonly maxEnded?: number;
  /** Of the ended ones, those that ended earlier than this; default: the last. For whoever goes on into the past. */
  readonly endedBefore?: Date | null;
  /** Deliveries, the last ones, at most; default 1,000. */
  readonly maxDeliveries?: number;
  /** Suspects are looked at again after so long; default 3,000 ms. */
  readonly confirmAfterMs?: number;
  /** No further question is asked after so long; default 15,000 ms. */
  readonly budgetMs?: number;
}

export interface Violation {
  readonly code: CheckCode;
  readonly invariant: string;
  readonly tenantId: string;
  readonly subject: { readonly type: "execution" | "delivery"; readonly id: string };
  /** Which step, event or reference of it; "" where there is one at most. */
  readonly place: string;
  readonly text: string;
  readonly remedy: string;
}

export interface Audit {
  readonly checked: {
    readonly unfinished: number;
    readonly ended: number;
    readonly deliveries: number;
    /** When the earliest of the ended ones ended; null: there was none. */
    readonly endedSince: Date | null;
    /** Everything that has not ended was looked at. */
    readonly complete: boolean;
  };
  readonly violations: readonly Violation[];
}

/** Suspects beyond so many are left for the next audit. */
const MAX_SUSPECTS = 500;

export async function auditOnce(system: SystemCalls, options: AuditOptions = {}): Promise<Audit> {
  const { maxUnfinished = 5_000, maxEnded = 2_000, maxDeliveries = 1_000, endedBefore = null } = options;
  const { confirmAfterMs = 3_000, budgetMs = 15_000 } = options;
  const deadlineAt = performance.now() + budgetMs;
  const sample = await sampleOf(system, { maxUnfinished, maxEnded, maxDeliveries, endedBefore });
  const asked: Question[] = [];
  const suspects: Suspect[] = [];
  for (const question of sample.questions) {
    if (performance.now() > deadlineAt || suspects.length >= MAX_SUSPECTS) break;
    asked.push(question);
    suspects.push(...(await lookAt(system, question)));
  }
  const violations =
    suspects.length === 0 ? [] : await confirm(system, suspects.slice(0, MAX_SUSPECTS), confirmAfterMs);
  const askedAll = asked.length === sample.questions.length;
  return {
    checked: {
      unfinished: askedAll ? sample.unfinished : Math.min(sample.unfinished, idsOf(asked, "execution")),
      ended: askedAll ? sample.ended : Math.max(0, idsOf(asked, "execution") - sample.unfinished),
      deliveries: idsOf(asked, "delivery"),
      endedSince: sample.endedSince,
      complete: askedAll && sample.unfinished < maxUnfinished,
    },
    violations,
  };
}

async function confirm(system: SystemCalls, suspects: readonly Suspect[], afterMs: number): Promise<Violation[]> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const before = new Set(suspects.map(keyOf));
  const still: Suspect[] = [];
  for (const question of questionsAbout(suspects)) {
    still.push(...(await lookAt(system, question)).filter((suspect) => before.has(keyOf(suspect))));
  }
  const strangers = await strangersAmong(system, still);
  return still.flatMap((suspect) => {
    if (suspect.code !== "OTHER_TENANTS") return [violationOf(suspect, suspect.seen)];
    const owner = suspect.ref === null ? undefined : strangers.get(suspect.ref);
    // Not there at all: it was retired.
    return owner === undefined ? [] : [violationOf(suspect, `${suspect.seen}, which is tenant ${owner}'s`)];
  });
}

function questionsAbout(suspects: readonly Suspect[]): Question[] {
  const bySubject = Map.groupBy(suspects, ({ tenantId, subject }) => `${tenantId} ${subject.type}`);
  return [...bySubject.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const ids = [...new Set(group.map(({ subject }) => subject.id))];
    return [{ tenantId: first.tenantId, type: first.subject.type, ids }];
  });
}

function violationOf({ code, tenantId, subject, place }: Suspect, seen: string): Violation {
  const { invariant, rule, remedy } = CHECKS[code];
  const where = place === "" ? "" : ` (${place})`;
  return {
    code,
    invariant,
    tenantId,
    subject,
    place,
    text: `${rule}; ${subject.type} ${subject.id}${where}: ${seen}.`,
    remedy,
  };
}

function idsOf(questions: readonly Question[], type: Question["type"]): number {
  return questions.filter((question) => question.type === type).reduce((sum, { ids }) => sum + ids.length, 0);
}
