// An audit: asks of the live database whether the invariants hold, in bounded questions, while everything goes on.
//  A1. Each question is one snapshot, in which every commit is whole: work in progress is no finding.
//  A2. A suspect is looked at again some seconds later, and is a finding only if it is still there: what is being put right
//      is none.
//  A3. It looks at what has not ended and at what ended last, so many at most; what it left out, it says.

import type { SystemCalls } from "../database.ts";
import { confirm, type Violation } from "./confirm.ts";
import { type Question, type Suspect, lookAt, sampleOf } from "./questions.ts";

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
  const violations = await confirm(system, suspects.slice(0, MAX_SUSPECTS), confirmAfterMs);
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

function idsOf(questions: readonly Question[], type: Question["type"]): number {
  return questions.filter((question) => question.type === type).reduce((sum, { ids }) => sum + ids.length, 0);
}
