// The ingress put together: PostgreSQL behind it, HTTP before it.

import {
  type Database,
  type MasterKeys,
  type SecretBox,
  createDefinitionStore,
  createDeliveryAcceptor,
  createSecretReader,
  createSigningSecretReader,
  deliveryReceipt,
  deliveryReject,
  hookFind,
  isTransient,
} from "@keelson/db";
import {
  AppError,
  type Logger,
  type Metrics,
  type ReadinessCheck,
  type Tracing,
  createServiceApp,
  isDatabaseUnreachable,
  newId,
} from "@keelson/service-kit";
import type { Express } from "express";
import { createExplainRefusal } from "./delivery/explain-refusal.ts";
import { createRejections } from "./delivery/rejections.ts";
import { hookRoutes } from "./hook-route.ts";
import { type HookDirectory, createHookDirectory } from "./hooks/hook-directory.ts";
import { createInputChecks } from "./hooks/input-checks.ts";
import { createRateLimit } from "./limits/rate-limit.ts";
import { createObserver } from "./observe.ts";
import { receiptRoutes } from "./receipts/receipt-route.ts";
import { type DeliveryRef, createReceiptTokens } from "./receipts/receipt-token.ts";
import { type ReceiverDeps, createReceiver } from "./receive.ts";

export interface Ingress {
  readonly app: Express;
  readonly hooks: HookDirectory;
  /** Resolves when every refused delivery that is to be kept so far is. */
  readonly settled: () => Promise<void>;
}

const RETRY_SECONDS = 2;

export function createIngress(deps: {
  readonly db: Database;
  readonly secretBox: SecretBox;
  /** Receipts are signed by keys derived from them. */
  readonly masterKeys: MasterKeys;
  /** Base of the addresses of receipts, without a slash at its end; asked for once the service listens. */
  readonly publicUrl: () => string;
  readonly wake: ReceiverDeps["wake"];
  readonly signedRate: ReceiverDeps["signedRate"];
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Default: none recorded. */
  readonly tracing?: Tracing | undefined;
  readonly checks: readonly ReadinessCheck[];
  readonly stopping: AbortSignal;
  /** Milliseconds since 1970, to compare signed times with. */
  readonly nowMs: () => number;
  /** Milliseconds that never go back, to measure with. */
  readonly monotonicMs: () => number;
}): Ingress {
  const { db, log, metrics, monotonicMs } = deps;
  const rate = createRateLimit(monotonicMs);
  const definitions = createDefinitionStore(db);
  const secrets = createSecretReader(db, deps.secretBox);
  const hooks = createHookDirectory({
    findHook: (hookId) => orUnavailable(hookFind(db, hookId)),
    loadVersion: (tenantId, versionId) => orUnavailable(definitions.loadVersion(tenantId, versionId)),
    readSecrets: (tenantId, names) => orUnavailable(secrets.read(tenantId, names)),
    inputCheckOf: createInputChecks(),
    monotonicMs,
  });
  const rejections = createRejections({
    reject: ({ reason, ...rejected }) => deliveryReject(db, { ...rejected, reason: { ...reason } }),
    rate,
    onError: (error) => log.warn({ err: error }, "delivery.rejection_not_kept"),
  });
  const accept = createDeliveryAcceptor(db);
  const receive = createReceiver({
    hooks,
    accept: (request) => orUnavailable(accept(request)),
    rejections,
    explain: createExplainRefusal(createSigningSecretReader(db, deps.secretBox)),
    signedRate: deps.signedRate,
    rate,
    wake: deps.wake,
    newId,
    nowMs: deps.nowMs,
  });
  const tokens = createReceiptTokens(deps.masterKeys, deps.nowMs);
  const observer = createObserver(metrics);
  const app = createServiceApp({
    log,
    metrics,
    tracing: deps.tracing,
    checks: deps.checks,
    stopping: deps.stopping,
    routes: (app) => {
      const find = (tenantId: string, id: string) => orUnavailable(deliveryReceipt(db, tenantId, id));
      app.use(receiptRoutes({ tokens, find, rate }));
      const statusUrl = (delivery: DeliveryRef): string => `${deps.publicUrl()}/receipts/${tokens.issue(delivery)}`;
      app.use(hookRoutes({ receive, observer, statusUrl }));
    },
  });
  return { app, hooks, settled: rejections.settled };
}

/** Whether it was committed may be unknown: the producer sends it again, and a repeat starts nothing. */
async function orUnavailable<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (!isTransient(error) && !isDatabaseUnreachable(error)) throw error;
    throw new AppError("UNAVAILABLE", { cause: error, headers: { "retry-after": String(RETRY_SECONDS) } });
  }
}
