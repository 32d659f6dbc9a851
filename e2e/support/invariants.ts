// What must hold of every execution in the database, asked in SQL (I2, I3, I5).
import type { Engine } from "./engine.ts";

export interface Violation {
  readonly rule: string;
  readonly execution_id: string;
  readonly detail: string;
}

const CHECKS = `
  with items as (
    select b.tenant_id, b.execution_id, b.first_seq, b.last_seq, b.epoch, i.item, i.n
    from keelson.event_batches b, jsonb_array_elements(b.items) with ordinality i (item, n)
  )
  select 'a step succeeds once in each of its runs' as rule, w.execution_id::text, w.step_id as detail from (
    select execution_id, item ->> 'stepId' as step_id, count(*) as times
    from items where item ->> 'type' = 'step.succeeded' group by 1, 2
  ) w join keelson.step_runs s on s.execution_id = w.execution_id and s.step_id = w.step_id where w.times > s.iter
  union all
  select 'events follow one another without a hole', execution_id::text, first_seq::text from (
    select execution_id, first_seq, lag(last_seq, 1, 1) over (partition by execution_id order by first_seq) as before
    from keelson.event_batches) b where first_seq <> before + 1
  union all
  select 'epochs never go back', execution_id::text, epoch::text from (
    select execution_id, epoch, lag(epoch, 1, 0) over (partition by execution_id order by first_seq) as before
    from keelson.event_batches) b where epoch < before
  union all
  select 'the row stands where its last event says', e.id::text, e.status from keelson.executions e
  where e.seq > 1 and e.seq <> (select max(b.last_seq) from keelson.event_batches b where b.tenant_id = e.tenant_id and b.execution_id = e.id)
  union all
  select 'an ended execution has no step that runs', e.id::text, s.step_id
  from keelson.executions e join keelson.step_runs s on s.tenant_id = e.tenant_id and s.execution_id = e.id
  where e.finished_at is not null and s.status in ('running', 'waiting')
  union all
  select 'an execution that has not ended is found again', e.id::text, e.status from keelson.executions e
  where e.finished_at is null and e.owner is null and e.sweep_at is null and not e.held
    and not exists (select from keelson.inbox i where i.tenant_id = e.tenant_id and i.execution_id = e.id)
    and not exists (select from keelson.executions c where c.tenant_id = e.tenant_id and c.parent_id = e.id and c.finished_at is null)`;

export function violations(engine: Engine): Promise<Violation[]> {
  return engine.query<Violation>(CHECKS);
}
