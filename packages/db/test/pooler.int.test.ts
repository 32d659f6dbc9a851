// Behind a pooler in transaction mode PostgreSQL's session is another one each time: nothing may be left in it. The pooler
// here is known by what the engine knows one by: it tells a number of its own for the session.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createLeaseStore, executionNotify, openDatabase, type Database } from "../src/index.ts";
import { inTransaction } from "../src/entities/in-transaction.ts";
import { createWorld, type World } from "./world.ts";

/** `K`, its length, then the session's number. */
const BACKEND_KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12]);

let world: World;
let pooler: Server;
const sockets = new Set<Socket>();
const pools: Database[] = [];

beforeAll(async () => {
  world = await createWorld();
  const { hostname, port } = new URL(world.urls.app);
  pooler = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.pipe(server);
    server.on("data", (chunk) => client.write(renumbered(chunk)));
    server.on("close", () => client.destroy());
    for (const socket of [client, server]) sockets.add(socket.on("error", () => undefined));
  });
  await new Promise<void>((resolve) => {
    pooler.listen(0, "127.0.0.1", resolve);
  });
});
afterAll(async () => {
  await Promise.all(pools.map((db) => db.close()));
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => pooler.close(resolve));
  await world.close();
});

function renumbered(chunk: Buffer): Buffer {
  const at = chunk.indexOf(BACKEND_KEY_DATA);
  if (at >= 0) chunk.writeInt32BE(1, at + BACKEND_KEY_DATA.length);
  return chunk;
}

const pooled = (url: string): string =>
  Object.assign(new URL(url), { port: String((pooler.address() as AddressInfo).port) }).href;

function open(url: string): Database {
  const db = openDatabase({ url, applicationName: "pooler-test", maxConnections: 1 });
  pools.push(db);
  return db;
}

async function preparedIn(db: Database): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>("select count(*)::int as n from pg_prepared_statements");
  return rows[0]!.n;
}

it("leaves no statement prepared in a pooler's session, within a transaction or without, and does in PostgreSQL's own", async () => {
  const tenantId = await world.tenant();
  const [through, past] = [open(pooled(world.urls.app)), open(world.urls.app)];
  for (const db of [through, past]) {
    await inTransaction(db, (tx) => executionNotify(tx, tenantId, tenantId, { kind: "cancel" }));
    await executionNotify(db, tenantId, tenantId, { kind: "cancel" });
  }
  expect(await preparedIn(through)).toBe(0);
  expect(await preparedIn(past)).toBeGreaterThan(0);
});

it("is watched by its lock over a connection past the pooler, and lives by its lease alone where it has none", async () => {
  for (const { url, watched } of [
    { url: world.urls.worker, watched: true },
    { url: pooled(world.urls.worker), watched: false },
  ]) {
    const db = open(pooled(world.urls.worker));
    const leases = createLeaseStore(db, { url, applicationName: "pooler-test", stats: () => ({}) });
    const { workerId: worker } = await leases.register("pooler-test", 15_000);
    expect(await leases.tick(worker, 15_000)).toMatchObject({ alive: true });
    const { rows } = await world.admin.query("select watched from keelson.workers where id = $1", [worker]);
    expect(rows).toEqual([{ watched }]);
    await leases.close();
  }
});
