// The second look: what is being put right while an audit looks is no finding.

import type { SystemCalls } from "../database.ts";
import { CHECKS, type CheckCode } from "./checks.ts";
import { type Question, type Suspect, keyOf, lookAt, questionsOf, strangersAmong } from "./questions.ts";

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

/** Looks at suspects again after so long; what is still there is a finding. */
export async function confirm(
  system: SystemCalls,
  suspects: readonly Suspect[],
  afterMs: number,
): Promise<Violation[]> {
  if (suspects.length === 0) return [];
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
  const byType = Map.groupBy(suspects, ({ subject }) => subject.type);
  return [...byType].flatMap(([type, group]) => {
    const subjects = new Map(
      group.map(({ tenantId, subject }) => [subject.id, { tenant_id: tenantId, id: subject.id }]),
    );
    return questionsOf(type, [...subjects.values()]);
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
