-- What a producer may learn of its delivery. Breaking: no. Locks: none.

-- Of a delivery that was taken: whether it was a repeat, and whether its execution has ended (a deleted one had).
-- No row: the delivery is no longer kept, or its tenant is deleted. Primary keys alone.
create function keelson.delivery_receipt(p_tenant uuid, p_id uuid) returns table (status text, ended boolean)
language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select d.status, e.id is null or e.finished_at is not null
  from deliveries d
  join tenants t on t.id = d.tenant_id and t.deleted_at is null
  left join executions e on e.tenant_id = d.tenant_id and e.id = d.execution_id
  where d.tenant_id = p_tenant and d.id = p_id and d.status <> 'rejected';
end $$;
call keelson.hot('keelson.delivery_receipt(uuid, uuid)', 'keelson_app');
