// What shares requests out among the processes of a service, as Traefik does: in turn, over connections that are kept
// alive, to those whose /readyz answers 200. It repeats nothing: a connection that breaks is the client's 502.
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

/** As often as STOP_DELAY must allow for, and more. */
const LOOK_EVERY_MS = 100;

export interface Balancer {
  /** Rejects where nobody is ready, or where the connection is refused or reset. */
  send(path: string, headers: Readonly<Record<string, string>>, body: string): Promise<Answered>;
  /** How many of them take requests at the moment. */
  readonly ready: () => number;
  /** One more; resolves once it has been looked at. */
  add(url: string): Promise<void>;
  /** Sends it nothing more. */
  remove(url: string): void;
  close(): Promise<void>;
}

export interface Answered {
  readonly status: number;
  readonly body: string;
}

interface Backend {
  readonly url: string;
  ready: boolean;
}

export async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true });
  const backends = new Set<Backend>();
  const looking: Promise<void>[] = [];
  const closing = new AbortController();
  let turn = 0;

  async function add(url: string): Promise<void> {
    const backend = { url, ready: await isReady(url) };
    backends.add(backend);
    looking.push(look(backend));
  }

  async function look(backend: Backend): Promise<void> {
    while (!closing.signal.aborted && backends.has(backend)) {
      backend.ready = await isReady(backend.url);
      await pause(LOOK_EVERY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  function next(): Backend {
    const ready = [...backends].filter((backend) => backend.ready);
    turn += 1;
    const chosen = ready[turn % Math.max(1, ready.length)];
    if (chosen === undefined) throw new Error("None is ready.");
    return chosen;
  }

  await Promise.all(urls.map(add));
  return {
    async send(path, headers, body) {
      const outgoing = request(`${next().url}${path}`, { method: "POST", headers: { ...headers }, agent });
      outgoing.end(body);
      const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
      return { status: incoming.statusCode ?? 0, body: await text(incoming) };
    },
    ready: () => [...backends].filter(({ ready }) => ready).length,
    add,
    remove(url) {
      for (const backend of backends) if (backend.url === url) backends.delete(backend);
    },
    async close() {
      closing.abort();
      await Promise.all(looking);
      agent.destroy();
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  const looked = await fetch(`${url}/readyz`, { headers: { connection: "close" } }).catch(() => null);
  await looked?.arrayBuffer().catch(() => null);
  return looked?.status === 200;
}
