import { DEFAULT_PAGE } from "@keelson/contracts";
import type { Page } from "@keelson/db";
import type { Caller } from "../auth/caller.ts";
import type { ApiDeps } from "../deps.ts";

export interface Paging {
  readonly limit: number;
  /** Position of the last item of the page before; null for the first page. */
  readonly before: string | null;
  /** The page as it is answered. */
  answer<T, A>(page: Page<T>, present: (item: T) => A, positionOf: (item: T) => string): PageAnswer<A>;
}

export interface PageAnswer<A> {
  readonly items: A[];
  readonly nextCursor: string | null;
}

/** Reads `limit` and `cursor`. A cursor is good for the same list of the same tenant with the same other parameters. */
export function pagingOf(
  { deps, caller }: { readonly deps: ApiDeps; readonly caller: Caller },
  list: string,
  query: { readonly limit?: number | undefined; readonly cursor?: string | undefined; readonly count?: unknown },
): Paging {
  const { limit = DEFAULT_PAGE, cursor, count: _count, ...filters } = query;
  const owner = caller.kind === "operator" ? "" : caller.tenant.id;
  const name = JSON.stringify([list, owner, filters]);
  return {
    limit,
    before: cursor === undefined ? null : deps.cursors.open(name, cursor),
    answer(page, present, positionOf) {
      const last = page.items.at(-1);
      const position = page.stoppedAt ?? (last === undefined ? undefined : positionOf(last));
      const nextCursor = page.more && position !== undefined ? deps.cursors.seal(name, position) : null;
      return { items: page.items.map(present), nextCursor };
    },
  };
}
