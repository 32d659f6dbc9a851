// /healthz: the process answers. /readyz: what it needs answers too, and it is not stopping.

import type { RequestHandler } from "express";
import type { Logger } from "./logger.ts";

export interface ReadinessCheck {
  readonly name: string;
  /** False: reported, but its failure makes nothing unready (Redis, I9). */
  readonly required: boolean;
  /** Rejects, or takes longer than a second, where the thing does not answer. */
  readonly check: () => Promise<void>;
}

export interface Readiness {
  readonly status: "ready" | "not_ready" | "stopping";
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly required: boolean }>>;
}

const CHECK_TIMEOUT_MS = 1_000;

export function serveAlive(): RequestHandler {
  return (_req, res) => {
    res.json({ status: "alive" });
  };
}

/** 200 where every required check passes, else 503. Probes that come together share one run of the checks. */
export function serveReadiness(deps: {
  readonly checks: readonly ReadinessCheck[];
  readonly stopping: AbortSignal;
  readonly log: Logger;
}): RequestHandler {
  let running: Promise<Readiness> | null = null;
  return async (_req, res) => {
    running ??= readiness(deps).finally(() => {
      running = null;
    });
    const result = await running;
    res.status(result.status === "ready" ? 200 : 503).json(result);
  };
}

async function readiness(deps: {
  readonly checks: readonly ReadinessCheck[];
  readonly stopping: AbortSignal;
  readonly log: Logger;
}): Promise<Readiness> {
  const results = await Promise.all(
    deps.checks.map(async (check) => {
      const ok = await passes(check, deps.log);
      return { name: check.name, ok, required: check.required };
    }),
  );
  const healthy = results.every((result) => result.ok || !result.required);
  return {
    status: deps.stopping.aborted ? "stopping" : healthy ? "ready" : "not_ready",
    checks: Object.fromEntries(results.map(({ name, ok, required }) => [name, { ok, required }])),
  };
}

async function passes(check: ReadinessCheck, log: Logger): Promise<boolean> {
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No answer within ${CHECK_TIMEOUT_MS} ms.`)), CHECK_TIMEOUT_MS);
  try {
    await Promise.race([check.check(), timedOut]);
    return true;
  } catch (error) {
    log.warn({ err: error, check: check.name, required: check.required }, "readiness.failed");
    return false;
  } finally {
    clearTimeout(timer);
  }
}
