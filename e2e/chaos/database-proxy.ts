// Stands between services and PostgreSQL: can cut, refuse and slow down connections, and lose the answer to a statement
// that PostgreSQL has carried out.
import { type Socket, connect, createServer } from "node:net";

export interface DatabaseProxy {
  /** The URL with this proxy in place of its server. */
  readonly url: string;
  /** Cuts each connection of which `chosen` says so; how many. */
  cut(chosen: () => boolean): number;
  /** Cuts all connections and takes no new ones, until told otherwise. */
  refuse(refusing: boolean): void;
  /** What comes from either side is passed on so much later, in its order. */
  delay(ms: number): void;
  /**
   * Loses the answer to the next run of the prepared statement of this name and cuts its connection; resolves when that
   * has happened, or with false when nothing has by then.
   */
  loseAnswer(statement: string, withinMs: number): Promise<boolean>;
  close(): Promise<void>;
}

interface Loss {
  /** As it stands in the message that runs it: a text that ends with a zero. */
  readonly statement: string;
  readonly done: (lost: boolean) => void;
}

export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const server = new URL(databaseUrl);
  const cutters = new Set<() => void>();
  let losses: Loss[] = [];
  let refusing = false;
  let delayMs = 0;

  const proxy = createServer((client) => {
    if (refusing) return void client.destroy();
    const upstream = connect(Number(server.port || "5432"), server.hostname);
    let losing: Loss | null = null;
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
      cutters.delete(cut);
    };
    cutters.add(cut);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", cut);
      socket.on("close", cut);
    }
    const toServer = passTo(upstream, () => delayMs);
    const toClient = passTo(client, () => delayMs);
    client.on("data", (chunk: Buffer) => {
      const asked = losses.find(({ statement }) => chunk.includes(statement));
      if (asked !== undefined) {
        losses = losses.filter((each) => each !== asked);
        losing = asked;
      }
      toServer(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      if (losing === null) return toClient(chunk);
      losing.done(true);
      return cut();
    });
    return undefined;
  });

  await new Promise<void>((resolve) => {
    proxy.listen(0, "127.0.0.1", resolve);
  });
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);

  return {
    url: url.href,
    cut(chosen) {
      const cutting = [...cutters].filter(() => chosen());
      for (const cut of cutting) cut();
      return cutting.length;
    },
    refuse(now) {
      refusing = now;
      if (now) for (const cut of cutters) cut();
    },
    delay: (ms) => void (delayMs = ms),
    loseAnswer: (statement, withinMs) =>
      new Promise((resolve) => {
        const loss: Loss = { statement: `${statement}\0`, done: resolve };
        losses.push(loss);
        setTimeout(() => {
          losses = losses.filter((each) => each !== loss);
          resolve(false);
        }, withinMs);
      }),
    close() {
      for (const cut of cutters) cut();
      return new Promise((resolve) => proxy.close(() => resolve()));
    },
  };
}

/** Writes in order, each chunk as late as the delay of its moment says. */
function passTo(to: Socket, delayMs: () => number): (chunk: Buffer) => void {
  let waiting: Promise<void> | null = null;
  return (chunk) => {
    const ms = delayMs();
    if (ms === 0 && waiting === null) return void to.write(chunk);
    const before = waiting ?? Promise.resolve();
    const mine: Promise<void> = Promise.all([before, new Promise((resolve) => setTimeout(resolve, ms))]).then(() => {
      if (!to.destroyed) to.write(chunk);
      if (waiting === mine) waiting = null;
    });
    waiting = mine;
    return undefined;
  };
}
