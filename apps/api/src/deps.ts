// What the API's handlers work with, made once in main.ts (and in tests).

import type { Database, SecretBox } from "@keelson/db";
import type { DefinitionStore, Hints } from "@keelson/engine";
import type { Logger } from "@keelson/service-kit";
import type { Authenticator } from "./auth/authenticate.ts";
import type { Changes } from "./changes.ts";
import type { ExecutionWatcher } from "./executions/watcher.ts";
import type { Cursors } from "./http/cursor.ts";
import type { Audits } from "./ops/audits.ts";

export interface ApiDeps {
  readonly db: Database;
  /** Versions, compiled and kept: they are immutable. */
  readonly definitions: DefinitionStore;
  readonly secretBox: SecretBox;
  readonly authenticator: Authenticator;
  readonly cursors: Cursors;
  readonly changes: Changes;
  /** Wake-ups for workers: hints, sent after a commit, which never fail a request. */
  readonly hints: Hints;
  readonly watcher: ExecutionWatcher;
  /** Of the invariants, on the operator's demand. */
  readonly audits: Audits;
  /** Of one command, now; null: Redis does not answer. */
  readonly redisLatencyMs: () => Promise<number | null>;
  readonly log: Logger;
  /** Base of the hooks' addresses, without a slash at its end. */
  readonly ingressUrl: string;
  /** Aborts when the service begins to stop: whoever waits answers with what there is. */
  readonly stopping: AbortSignal;
}

/** What an intervention takes. Within a transaction `db` is that one, and hints are kept back until its commit. */
export type InterventionDeps = Pick<ApiDeps, "db" | "definitions" | "hints">;
