// Searches what a system has written, in its places: tables, folders, Redis. Nothing is changed by it.
import { type Socket, connect } from "node:net";
import { open, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { Redis } from "ioredis";
import { Client } from "pg";
import { type Leak, type LeakSearch, leakSearch } from "./leak-search.ts";

const PIECE_BYTES = 4 * 1024 * 1024;
/** Rows to a round trip. */
const ROWS = 2_000;
/** For a table that somebody has locked; ms. */
const LOCK_TIMEOUT_MS = 5_000;

/** Every row of every table that is not PostgreSQL's own. `url` is a superuser's: it must see all tenants' rows. */
export async function scanDatabase(url: string): Promise<Leak[]> {
  const client = new Client({ connectionString: url, application_name: "keelson-leak-scan" });
  await client.connect();
  try {
    // Rather an error than rows that a policy hides.
    await client.query(`begin read only; set local row_security = off; set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    if (tables.length === 0) return [];
    const every = tables
      .map(({ name }) => `select '${name}' as place, scanned_row::text as row from ${name} scanned_row`)
      .join(" union all ");
    await client.query(`declare everything no scroll cursor for ${every}`);
    const leaks: Leak[] = [];
    for (;;) {
      const { rows } = await client.query<{ place: string; row: string }>(`fetch ${ROWS} from everything`);
      for (const { place, row } of rows) leaks.push(...leakSearch().find(`a row of ${place}`, row));
      if (rows.length < ROWS) return leaks;
    }
  } finally {
    await client.end();
  }
}

/** Every file below, but what is in folders of these names. What goes meanwhile is no leak. */
export async function scanFolder(folder: string, except: readonly string[] = []): Promise<Leak[]> {
  const leaks: Leak[] = [];
  const search = leakSearch();
  // One for all of them: a cluster is a thousand small files and more, and a buffer each would cost more than the search.
  const buffer = Buffer.allocUnsafeSlow(search.overlap + PIECE_BYTES);
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const shown = relative(folder, path);
    if (!entry.isFile() || shown.split("/").some((part) => except.includes(part))) continue;
    leaks.push(...(await scanFile(path, shown, search, buffer)));
  }
  return leaks;
}

async function scanFile(path: string, shown: string, search: LeakSearch, buffer: Buffer): Promise<Leak[]> {
  const leaks: Leak[] = [];
  try {
    await using file = await open(path);
    for (let kept = 0; ;) {
      const { bytesRead } = await file.read(buffer, kept, PIECE_BYTES, null);
      if (bytesRead === 0) return leaks;
      const end = kept + bytesRead;
      leaks.push(...search.find(`the file ${shown}`, buffer.subarray(0, end)));
      // What stands across two pieces is found with the second.
      kept = Math.min(end, search.overlap);
      buffer.copyWithin(0, end - kept, end);
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return leaks;
  }
}

export interface RedisWatch {
  /** What was found in commands so far. */
  leaks(): readonly Leak[];
  stop(): void;
}

/**
 * Searches every command that Redis is given from now on, scripts' own among them; also after Redis was away. Over a socket
 * of its own: to the client a command that is told of before MONITOR's own answer is an error.
 */
export async function watchRedis(url: string): Promise<RedisWatch> {
  const { hostname, port } = new URL(url);
  const found: Leak[] = [];
  const watching = Promise.withResolvers<void>();
  let stopped = false;
  let socket: Socket;

  function watch(): void {
    let rest = "";
    socket = connect(Number(port), hostname, () => socket.write("MONITOR\r\n"));
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      watching.resolve();
      const lines = (rest + text).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const command = unescaped(line);
        found.push(...leakSearch().find(`Redis, command ${command.slice(0, 120)}`, command));
      }
    });
    socket.on("error", () => undefined);
    socket.on("close", () => void (stopped || setTimeout(watch, 50)));
  }

  watch();
  await watching.promise;
  return {
    leaks: () => found,
    stop() {
      stopped = true;
      socket.destroy();
    },
  };
}

/** A line of MONITOR with its arguments' bytes as they were. */
function unescaped(line: string): string {
  return line.replaceAll(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, char: string | undefined) =>
    hex === undefined ? (CONTROLS.get(char ?? "") ?? char ?? "") : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

const CONTROLS: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** How everything in a key is read, by its type. */
const READERS: Readonly<Record<string, readonly [command: string, ...rest: string[]]>> = {
  string: ["get"],
  hash: ["hgetall"],
  list: ["lrange", "0", "-1"],
  set: ["smembers"],
  zset: ["zrange", "0", "-1"],
  stream: ["xrange", "-", "+"],
};

/** Every key and value that Redis holds now. */
export async function scanRedis(url: string): Promise<Leak[]> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on("error", () => undefined);
  try {
    const leaks: Leak[] = [];
    for await (const keys of redis.scanStream({ count: 500 }) as AsyncIterable<string[]>) {
      for (const key of keys) {
        const [command, ...rest] = READERS[await redis.type(key)] ?? ["get"];
        // It may be gone meanwhile, or be another type.
        const value: unknown = await redis.callBuffer(command, key, ...rest).catch(() => null);
        leaks.push(...leakSearch().find(`Redis, key ${key}`, Buffer.concat([Buffer.from(`${key} `), flat(value)])));
      }
    }
    return leaks;
  } finally {
    redis.disconnect();
  }
}

function flat(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return Buffer.concat(value.flatMap((part) => [flat(part), Buffer.from(" ")]));
  if (typeof value === "object" && value !== null) return flat(Object.entries(value).flat());
  return Buffer.from(JSON.stringify(value));
}
