// The one http client of a worker: its sockets, its guards and its share of memory live as long as it does.
import { Agent } from "undici";
import { createAddressPolicy } from "../egress/addresses.ts";
import { createGuardedConnector, type Lookup } from "../egress/connector.ts";
import type { HttpAttempt, HttpRequestInput, PerformOptions } from "./attempt.ts";
import { createByteBudget } from "./byte-budget.ts";
import { performRequest } from "./perform.ts";

export interface HttpClientOptions {
  /** CIDRs that http steps may reach although private. */
  readonly egressAllow: readonly string[];
  /** All addresses of a name; the system's resolver unless given. */
  readonly lookup?: Lookup | undefined;
  /** From look-up to connected (TLS included); default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** What large answers may hold in memory, all together, in bytes; default 80 MiB. */
  readonly responseMemoryBytes?: number | undefined;
  readonly nowAt?: (() => number) | undefined;
  /** Told of faults of the program within an attempt, for the log; they become failed outcomes as well. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

export interface HttpClient {
  /** One attempt. Resolves to a failed outcome for whatever the network or the target does; does not reject. */
  perform(request: HttpRequestInput, options: PerformOptions): Promise<HttpAttempt>;
  /** Closes all sockets at once, those in use too. */
  close(): Promise<void>;
}

const HEADER_BYTES = 32 * 1024;
const IDLE_SOCKET_MS = 4_000;
const IDLE_SOCKET_MAX_MS = 60_000;

/** @throws Error that names the entry of `egressAllow` which is no CIDR. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const policy = createAddressPolicy(options.egressAllow);
  const dispatcher = new Agent({
    connect: createGuardedConnector({
      policy,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      lookup: options.lookup,
    }),
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: HEADER_BYTES,
    // The attempt's own clock bounds these.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: IDLE_SOCKET_MS,
    keepAliveMaxTimeout: IDLE_SOCKET_MAX_MS,
  });
  const budget = createByteBudget(options.responseMemoryBytes ?? 80 * 1024 * 1024);
  const deps = {
    dispatcher,
    policy,
    budget,
    nowAt: options.nowAt ?? Date.now,
    onFault: options.onFault ?? (() => undefined),
  };
  return {
    perform: (request, attempt) => performRequest(request, attempt, deps),
    close: () => dispatcher.destroy(),
  };
}
