import type { Database, HotQuery } from "../database.ts";

export interface ChildNews {
  readonly tenantId: string;
  /** The parent, and which generation of it waits. */
  readonly executionId: string;
  readonly gen: number;
  readonly stepId: string;
  readonly childId: string;
}

const TELL: HotQuery = {
  name: "inbox_child_ended",
  text: `insert into keelson.inbox (tenant_id, execution_id, gen, kind, step_id, source_id)
         values ($1, $2, $3, 'childEnded', $4, $5)`,
};

/** Tells a parent that waits anew of a child that had ended before. Within a transaction whose tenant is set. */
export async function executionTellChildEnded(db: Database, news: ChildNews): Promise<void> {
  await db.call(TELL, [news.tenantId, news.executionId, news.gen, news.stepId, news.childId]);
}
