import { randomInt } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 on macOS). A client that keeps
 * trying a server which is down can otherwise be given the server's own port, connect to itself and keep it.
 */
const RANGE = { first: 10_000, last: 31_999 };
const ATTEMPTS = 1_000;
/** A port that was given away is bound by then. */
const RESERVED_MS = 60_000;

/** `count` different TCP ports that nothing listened on just now, and that no other process was given a moment ago. */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const servers: Server[] = [];
  for (let attempt = 0; servers.length < count && attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(RANGE.first, RANGE.last + 1);
    if (!(await reserve(port))) continue;
    const server = await listen(port, host).catch(() => null);
    if (server !== null) servers.push(server);
  }
  const ports = servers.map((server) => boundPort(server));
  await Promise.all(servers.map((server) => close(server)));
  if (ports.length < count) throw new Error(`No ${count} free ports on ${host}.`);
  return ports;
}

/** One port of `freePorts`. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const [port] = await freePorts(1, host);
  if (port === undefined) throw new Error("No free port.");
  return port;
}

export async function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  try {
    await close(await listen(port, host));
    return true;
  } catch {
    return false;
  }
}

/**
 * The port of a server that should come back where it was: the one in `file` while that is free, else a new one,
 * which `file` then holds.
 */
export async function keptPort(file: string): Promise<number> {
  const kept = Number(await readFile(file, "utf8").catch(() => ""));
  if (Number.isInteger(kept) && kept >= 1024 && kept <= 65_535 && (await isPortFree(kept))) return kept;
  const port = await freePort();
  await writeFile(file, `${port}\n`);
  return port;
}

/** A port that was asked for is taken; the message names the variable to change. */
export class PortTakenError extends Error {
  constructor(port: number, variable: string) {
    super(`Port ${port} is taken. Set ${variable} to a free one, or to 0 to have one picked.`);
    this.name = "PortTakenError";
  }
}

/** False where some process of this user was given it: until whoever was given it binds it, it looks free. */
async function reserve(port: number): Promise<boolean> {
  const folder = join(tmpdir(), `keelson-ports-${process.getuid?.() ?? ""}`);
  const file = join(folder, String(port));
  await mkdir(folder, { recursive: true });
  const ageMs = await stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => null,
  );
  if (ageMs !== null && ageMs < RESERVED_MS) return false;
  if (ageMs !== null) await rm(file, { force: true });
  return writeFile(file, "", { flag: "wx" }).then(
    () => true,
    () => false,
  );
}

async function listen(port: number, host: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, resolve);
  });
  return server;
}

function boundPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no TCP port.");
  return address.port;
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
