import { AuditAnswer, PageQuery, type Violation, ViolationPage } from "@keelson/contracts";
import { type SeenViolation, violationsList } from "@keelson/db";
import { pagingOf } from "../../http/paging.ts";
import type { ApiDeps } from "../../deps.ts";
import { type Answer, operatorRoute } from "../../http/route.ts";

export const listViolations = operatorRoute({
  method: "get",
  path: "/v1/ops/violations",
  answers: { 200: ViolationPage },
  doc: {
    operationId: "listViolations",
    tag: "Operations",
    summary: "List the broken invariants that audits have found",
    description: "The last seen first. One that no audit has seen for 30 days is let go.",
    refusals: [],
  },
  query: PageQuery,
  async handle(call) {
    const paging = pagingOf(call, "ops/violations", call.query);
    const page = await violationsList(call.deps.db, { before: positionOf(paging.before), limit: paging.limit });
    const body = paging.answer(page, presentViolation, ({ lastSeenAt, key }) => `${lastSeenAt.toISOString()} ${key}`);
    return { status: 200, body };
  },
});

const WHAT_IS_LOOKED_AT =
  "Looks at executions that have not ended (5,000 at most), at the last 2,000 that have, and at the last 1,000 deliveries, in bounded questions while everything goes on. What is suspicious is looked at again after 3 seconds, and answered only if it is still there. Findings are kept: see `listViolations`. Who asks while an audit is under way gets its answer. `npm run audit` looks at everything.";

export const auditInvariants = operatorRoute({
  method: "post",
  path: "/v1/ops/audit",
  answers: { 200: AuditAnswer },
  doc: {
    operationId: "auditInvariants",
    tag: "Operations",
    summary: "Check the engine's invariants on the live database",
    description: WHAT_IS_LOOKED_AT,
    refusals: [],
  },
  handle: audit,
});

export const readAudit = operatorRoute({
  method: "get",
  path: "/v1/ops/audit",
  answers: { 200: AuditAnswer },
  doc: {
    operationId: "readAudit",
    tag: "Operations",
    summary: "The same, for what can only read",
    description: WHAT_IS_LOOKED_AT,
    refusals: [],
  },
  handle: audit,
});

async function audit({ deps }: { readonly deps: Pick<ApiDeps, "audits"> }): Promise<Answer> {
  const { checked, violations } = await deps.audits.run();
  const endedSince = checked.endedSince?.toISOString() ?? null;
  return { status: 200, body: { checked: { ...checked, endedSince }, violations } };
}

function positionOf(before: string | null): { lastSeenAt: Date; key: string } | null {
  if (before === null) return null;
  const space = before.indexOf(" ");
  return { lastSeenAt: new Date(before.slice(0, space)), key: before.slice(space + 1) };
}

function presentViolation({ key: _key, firstSeenAt, lastSeenAt, ...violation }: SeenViolation): Violation {
  return { ...violation, firstSeenAt: firstSeenAt.toISOString(), lastSeenAt: lastSeenAt.toISOString() };
}
