-- What the functions of the hot path share. Breaking: no. Locks: none.

-- Makes a function fit for the hot path, and lets only these roles call it. Generic plans and no JIT: planning costs more
-- than running here. Index loops alone: a plan made while a table was small must still be right when it is large.
create procedure keelson.hot(p_function regprocedure, variadic p_callers name[])
language plpgsql as $$
declare
  v_setting text;
  v_caller name;
begin
  foreach v_setting in array array[
    'search_path = keelson, pg_temp', 'plan_cache_mode = force_generic_plan', 'jit = off',
    'enable_seqscan = off', 'enable_hashjoin = off', 'enable_mergejoin = off'
  ] loop
    execute format('alter function %s set %s', p_function, v_setting);
  end loop;
  execute format('revoke execute on function %s from public', p_function);
  foreach v_caller in array p_callers loop
    execute format('grant execute on function %s to %I', p_function, v_caller);
  end loop;
end $$;
revoke execute on procedure keelson.hot from public;
-- For functions that are another group's; taken back with the last of them.
grant execute on procedure keelson.hot to keelson_app, keelson_dispatcher;

-- Every function that works for one tenant begins with this. It ends with the transaction, so that pools are safe.
create function keelson.set_tenant(p_tenant uuid) returns text language sql volatile
  return set_config('app.tenant_id', p_tenant::text, true);

-- Times leave PostgreSQL as epoch milliseconds of its own clock (T14) …
create function keelson.ms(p_at timestamptz) returns double precision language sql immutable parallel safe
  return floor(extract(epoch from p_at) * 1000)::double precision;

-- … and a due time is rounded up, so that nobody comes a fraction too early.
create function keelson.ms_up(p_at timestamptz) returns double precision language sql immutable parallel safe
  return ceil(extract(epoch from p_at) * 1000)::double precision;

-- So many milliseconds from now; null stays null.
create function keelson.in_ms(p_ms double precision) returns timestamptz language sql stable parallel safe
  return now() + p_ms * interval '1 millisecond';

-- Milliseconds since then, until now; null stays null.
create function keelson.elapsed_ms(p_since timestamptz) returns bigint language sql stable parallel safe
  return case when p_since is not null then (extract(epoch from greatest(now() - p_since, interval '0')) * 1000)::bigint end;

-- From epoch milliseconds; null stays null.
create function keelson.from_ms(p_ms double precision) returns timestamptz language sql immutable parallel safe
  return to_timestamp(p_ms / 1000);

-- As RFC 3339 in UTC, for what templates see.
create function keelson.rfc3339(p_at timestamptz) returns text language sql stable parallel safe
  return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

grant execute on function keelson.set_tenant, keelson.ms, keelson.ms_up, keelson.in_ms, keelson.elapsed_ms, keelson.from_ms,
  keelson.rfc3339 to keelson_app, keelson_worker, keelson_dispatcher;
