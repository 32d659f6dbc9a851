// Lets a commit wait within PostgreSQL, at a place of its one statement that the test chooses.
import { eventually } from "@keelson/testkit";
import { Client } from "pg";
import type { Engine } from "./engine.ts";

/** Where a commit waits; the numbers are advisory locks that triggers take. */
export const PLACES = { begun: 0, stepUpdated: 1, childrenUpdated: 2, beforeCommit: 3 } as const;

/** Triggers that let through whoever comes, unless their lock is held. */
export async function installHolds(engine: Engine): Promise<void> {
  await engine.query(`
    create function keelson.hold() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint);
      return null;
    end $$;
    create trigger hold after insert or update on keelson.step_runs for each statement
      execute function keelson.hold('${PLACES.stepUpdated}');
    create trigger hold after insert on keelson.executions for each statement
      execute function keelson.hold('${PLACES.childrenUpdated}');
    create constraint trigger hold_commit after update on keelson.executions deferrable initially deferred for each row
      execute function keelson.hold('${PLACES.beforeCommit}')`);
}

export interface Held {
  /** Resolves with the backends of that many commits that wait. */
  waiting(count: number): Promise<readonly number[]>;
  /** Ends one of them, whose transaction is rolled back. */
  terminate(backend: number): Promise<void>;
  letGo(): Promise<void>;
}

/** From now on commits wait at the place: those of these executions where it is `begun`, else whichever comes there. */
export async function holdCommits(
  engine: Engine,
  place: keyof typeof PLACES,
  executionIds: readonly string[],
): Promise<Held> {
  const client = new Client({ connectionString: engine.stack.adminUrl });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("begin");
  if (place === "begun")
    await client.query("select from keelson.executions where id = any($1) for update", [executionIds]);
  else await client.query("select pg_advisory_xact_lock($1)", [PLACES[place]]);
  return {
    waiting: (count) =>
      eventually(
        async () => {
          const found = await engine.query<{ pid: number }>(
            `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%keelson.execution_commit(%'
             and pid <> pg_backend_pid()`,
          );
          if (found.length !== count) throw new Error(`${found.length} commits wait`);
          return found.map(({ pid }) => pid);
        },
        { withinMs: 60_000 },
      ),
    terminate: async (backend) => void (await engine.query("select pg_terminate_backend($1)", [backend])),
    async letGo() {
      await client.query("rollback");
      await client.end();
    },
  };
}
