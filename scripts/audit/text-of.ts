// What an audit has found, for people: a block for each finding, and one line at the end.
import type { Violation, Wall, WholeAudit } from "@keelson/db";

export function textOf(audit: WholeAudit): string {
  const blocks = [...audit.walls.map(wallBlock), ...audit.violations.map(violationBlock)];
  return [...blocks, summaryOf(audit)].map((block) => `${block}\n`).join("\n");
}

export function summaryOf({ checked, violations, walls }: WholeAudit): string {
  const { executions, deliveries, complete } = checked;
  const wrong = violations.length + walls.length;
  const what = wrong === 0 ? "no violation" : `${wrong} ${wrong === 1 ? "violation" : "violations"}`;
  const left = complete ? "" : "; broken off, since so much was wrong: mend that, and run it again";
  return `${what} of I2 to I7 in ${executions} executions, ${deliveries} deliveries and the walls between tenants${left}`;
}

function wallBlock({ code, invariant, text, remedy }: Wall): string {
  return [`${invariant} ${code}`, `  ${text}`, `  remedy     ${remedy}`].join("\n");
}

function violationBlock({ code, invariant, tenantId, subject, text, remedy }: Violation): string {
  return [
    `${invariant} ${code}`,
    `  ${text}`,
    `  tenant     ${tenantId}`,
    `  ${subject.type.padEnd(10)} ${subject.id}`,
    `  remedy     ${remedy}`,
  ].join("\n");
}
