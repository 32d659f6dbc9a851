import type { Log } from "./log.ts";

/** The four services, in the order in which they stop: what takes work first, what does it last. */
export const SERVICES = ["ingress", "api", "scheduler", "worker"] as const;
export type ServiceName = (typeof SERVICES)[number];

/** The login of each restricted role, as a connection URL. */
export interface DatabaseUrls {
  /** api and ingress. */
  readonly app: string;
  readonly worker: string;
  /** The worker's past a pooler, where the others go through one. */
  readonly workerDirect?: string | undefined;
  /** scheduler. */
  readonly dispatcher: string;
}

export interface StackOptions {
  /** Everything that lasts: the cluster, generated secrets, ports, `run/*.pid`, `log/*.log`. */
  readonly dataDir: string;
  /** Processes of each service; 1 where left out. */
  readonly counts?: Partial<Readonly<Record<ServiceName, number>>> | undefined;
  /**
   * Port of the first process of each service, the next one has the next; 0 or left out: free ones.
   * Of PostgreSQL and Redis, 0 or left out: as the last time.
   */
  readonly ports?: Partial<Readonly<Record<ServiceName | "postgres" | "redis", number>>> | undefined;
  /** Brings the schema up to date as the owner, and gives each role its login. Safe to repeat. */
  readonly prepareDatabase: (adminUrl: string) => Promise<DatabaseUrls>;
  /** Used instead of an embedded PostgreSQL. */
  readonly databaseAdminUrl?: string | undefined;
  /** Used instead of a Redis of one's own. */
  readonly redisUrl?: string | undefined;
  /** Settings of the embedded PostgreSQL, as in postgresql.conf. */
  readonly postgresSettings?: Readonly<Record<string, string>> | undefined;
  /** Default 127.0.0.1. */
  readonly bindAddress?: string | undefined;
  /** Default: the first ingress's own address. */
  readonly publicIngressUrl?: string | undefined;
  /** Generated and kept in the data folder where left out. */
  readonly adminToken?: string | undefined;
  /** 32 bytes, base64. Generated and kept in the data folder where left out. */
  readonly masterKey?: string | undefined;
  /** What the services' environment holds beside the above. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The script of a service; default `apps/<service>/src/main.ts` of the checkout. */
  readonly scriptOf?: ((service: ServiceName) => string) | undefined;
  /** From the stop signal to SIGKILL, for the services. Default 30 s. */
  readonly graceMs?: number | undefined;
  /** Aborts the start: everything started is stopped, and the start rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Wraps each part of the start, to show its progress. */
  readonly stage?: (<T>(name: string, work: () => Promise<T>) => Promise<T>) | undefined;
  /** Told of what goes wrong and of restarts. */
  readonly log: Log;
}
