// Whether the wall between tenants stands (I7): what PostgreSQL's catalogue says of row security, policies and roles.

import type { HotQuery, SystemCalls } from "../database.ts";
import type { Check } from "./checks.ts";

/** Something that is no tenant's: a table, or a role. */
export interface Wall {
  readonly code: WallCode;
  readonly invariant: string;
  /** The table's or the role's name. */
  readonly place: string;
  readonly text: string;
  readonly remedy: string;
}

const FIRST = "Stop api, ingress, schedulers and workers until that is done, and find out who changed it";

export const WALLS = {
  ROW_SECURITY_OFF: {
    invariant: "I7",
    rule: "Row level security is enabled and forced on every table of tenants",
    remedy: `As keelson_owner: alter table keelson.<table> enable row level security, force row level security. ${FIRST}.`,
  },
  POLICY_MISSING: {
    invariant: "I7",
    rule: "Every table of tenants has the policy that compares the tenant",
    remedy: `As keelson_owner: drop policy if exists tenant on keelson.<table>; call keelson.protect('keelson.<table>'). ${FIRST}.`,
  },
  POLICY_OPENS: {
    invariant: "I7",
    rule: "No policy opens a table of tenants to a service",
    remedy: `As keelson_owner: drop policy <policy> on keelson.<table>. ${FIRST}.`,
  },
  ROLE_TOO_STRONG: {
    invariant: "I7",
    rule: "No role that a service logs in with passes by row level security",
    remedy: `As a superuser: alter role <role> nosuperuser nobypassrls. ${FIRST}.`,
  },
} as const satisfies Record<string, Check>;

export type WallCode = keyof typeof WALLS;

const LOOK: HotQuery = { name: "audit_walls", text: "select * from keelson.audit_walls()" };

export async function wallsDown(system: SystemCalls): Promise<Wall[]> {
  const rows = await system.call<{ code: string; place: string; seen: string }>(LOOK, []);
  return rows.map(({ code, place, seen }) => {
    if (!isWallCode(code)) throw new Error(`${LOOK.name} knows a check ${code} that has no words`);
    const { invariant, rule, remedy } = WALLS[code];
    const named = remedy.replaceAll(/<(table|role)>/g, place);
    return { code, invariant, place, text: `${rule}; ${place}: ${seen}.`, remedy: named };
  });
}

function isWallCode(code: string): code is WallCode {
  return Object.hasOwn(WALLS, code);
}
