// What PostgreSQL's own catalogue says about the walls between tenants: a list of what is wrong, empty if nothing is.
import type { ClientBase } from "pg";

/** Tables that are nobody's: the record of migrations, and the workers. */
const NOBODYS = ["_prisma_migrations", "workers"];

/** Keys across tenants, each for a reason that the migration gives. */
const GLOBAL_KEYS = ["api_keys_hash_key", "hooks_id_key", "tenants_pkey", "tenants_slug_key"];

const QUERIES: readonly string[] = [
  `select c.relname || ' is on no list: it has no tenant_id' as problem
   from pg_class c
   where c.relnamespace = 'keelson'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
     and not c.relname = any($1::text[]) and c.relname <> 'tenants'
     and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')`,

  `select c.relname || ' lets its owner pass by row level security' as problem
   from pg_class c
   where c.relnamespace = 'keelson'::regnamespace and c.relkind in ('r', 'p') and not c.relname = any($1::text[])
     and not (c.relrowsecurity and c.relforcerowsecurity)`,

  `select c.relname || ' has no policy that compares the tenant in both directions' as problem
   from pg_class c
   where c.relnamespace = 'keelson'::regnamespace and c.relkind in ('r', 'p') and not c.relname = any($1::text[])
     and not exists (
       select from pg_policies p
       where p.schemaname = 'keelson' and p.tablename = c.relname and p.policyname = 'tenant' and p.cmd = 'ALL'
         and p.qual = p.with_check
         and p.qual like '(' || case c.relname when 'tenants' then 'id' else 'tenant_id' end
           || ' = ( SELECT (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid %')`,

  `select p.tablename || ': policy ' || p.policyname || ' opens it to ' || r as problem
   from pg_policies p, unnest(p.roles) as r
   where p.schemaname = 'keelson' and p.policyname <> 'tenant'
     and not (r = 'keelson_dispatcher' or (r = 'keelson_owner' and p.policyname = 'lookup' and p.cmd = 'SELECT'))`,

  `select i.indexrelid::regclass || ' is unique across tenants' as problem
   from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
   where c.relnamespace = 'keelson'::regnamespace and i.indisunique and not c.relname = any($1::text[]) and not x.relname = any($2::text[])
     and (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = i.indkey[0]) <> 'tenant_id'`,

  `select f.conrelid::regclass || ': foreign key ' || f.conname || ' may point at another tenant' as problem
   from pg_constraint f
   where f.connamespace = 'keelson'::regnamespace and f.contype = 'f'
     and ((select a.attname from pg_attribute a where a.attrelid = f.conrelid and a.attnum = f.conkey[1]),
          (select a.attname from pg_attribute a where a.attrelid = f.confrelid and a.attnum = f.confkey[1]))
       is distinct from ('tenant_id', case when f.confrelid = 'keelson.tenants'::regclass then 'id' else 'tenant_id' end)`,

  `select p.oid::regprocedure || ' runs as ' || r.rolname || ' with a search_path that is not fixed' as problem
   from pg_proc p join pg_roles r on r.oid = p.proowner
   where p.pronamespace = 'keelson'::regnamespace and p.prosecdef
     and not coalesce('search_path=keelson, pg_temp' = any(p.proconfig), false)`,

  `select p.oid::regprocedure || ' runs as its owner and everybody may call it' as problem
   from pg_proc p
   where p.pronamespace = 'keelson'::regnamespace and p.prosecdef
     and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)`,

  `select r.rolname || ' has too much power' as problem
   from pg_roles r
   where r.rolname in ('keelson_owner', 'keelson_app', 'keelson_worker', 'keelson_dispatcher')
     and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcanlogin)`,

  `select 'a service may act as the owner: ' || r as problem
   from unnest(array['keelson_app', 'keelson_worker', 'keelson_dispatcher']) as r
   where pg_has_role(r::name, 'keelson_owner', 'member')`,

  `select 'the dispatcher may read ' || c.relname || '.' || a.attname as problem
   from pg_class c join pg_attribute a on a.attrelid = c.oid
   where c.relnamespace = 'keelson'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
     and c.relname <> 'workers' and a.atttypid in ('json'::regtype, 'jsonb'::regtype, 'bytea'::regtype)
     and has_column_privilege('keelson_dispatcher', c.oid, a.attnum, 'select')`,
];

/** Runs within whatever transaction the client is in. */
export async function catalogueProblems(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ problem: string }>(QUERIES.join("\nunion all\n"), [NOBODYS, GLOBAL_KEYS]);
  return rows.map((row) => row.problem);
}
