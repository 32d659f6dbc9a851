// B: what the same PostgreSQL commits at all, so that figures of different machines can be compared. One statement a commit:
// INSERT of a row with about 500 bytes of JSONB, and UPDATE of a status row. Eight clients, synchronous_commit=on.
import { Client } from "pg";
import { monotonicMs } from "./clock.ts";

const CLIENTS = 8;
const STATUS_ROWS = 1_000;
const STATEMENT = {
  name: "transition",
  text: `with moved as (update baseline_status set status = $2, at = now() where id = $1)
    insert into baseline_events (status_id, data) values ($1, $3)`,
};
const DATA = JSON.stringify({ type: "step.succeeded", stepId: "shape", attempt: 1, data: { text: "x".repeat(430) } });

/** Makes the two tables anew, in the database `url` names. */
export async function prepareBaseline(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(`
      drop table if exists baseline_events, baseline_status;
      create table baseline_status (id int primary key, status text not null, at timestamptz not null default now())
        with (fillfactor = 70);
      insert into baseline_status select n, 'running' from generate_series(0, ${STATUS_ROWS - 1}) n;
      create table baseline_events (id bigint generated always as identity primary key, status_id int not null,
        data jsonb not null, at timestamptz not null default now())`);
  });
}

/** Commits a second over so many seconds. */
export async function measureBaseline({ url, seconds }: { url: string; seconds: number }): Promise<number> {
  await prepareBaseline(url);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(url)));
  let commits = 0;
  const beganMs = monotonicMs();
  const endMs = beganMs + seconds * 1000;
  await Promise.all(
    clients.map(async (client, lane) => {
      for (let n = lane; monotonicMs() < endMs; n += CLIENTS) {
        await client.query({ ...STATEMENT, values: [n % STATUS_ROWS, n % 2 === 0 ? "waiting" : "running", DATA] });
        commits += 1;
      }
    }),
  );
  const perSecond = (commits * 1000) / (monotonicMs() - beganMs);
  await Promise.all(clients.map((client) => client.end()));
  return perSecond;
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: "bench-baseline" });
  await client.connect();
  await client.query("set synchronous_commit = on");
  return client;
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = await connect(url);
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
