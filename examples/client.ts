// What a user of the engine does over HTTP alone: make a tenant, store secrets, save documents, send webhooks, wait.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface Engine {
  readonly api: string;
  readonly ingress: string;
  readonly adminToken: string;
}

export interface StepRun {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly output: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface Execution {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly steps: readonly StepRun[];
}

/** A tenant of its own; each call throws where the engine refuses it. */
export interface Client {
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Saves a document, in which `from` is replaced by `to` first; its webhook's url, if it has one. */
  save(file: string, from: string, to: string): Promise<string | undefined>;
  /** Reads an execution eight times a second, telling `onRead` of it, until it has ended. */
  ended(id: string, onRead?: (execution: Execution) => void): Promise<Execution>;
}

/** Within the 600 requests a minute that a key may make. */
const POLL_MS = 125;

export async function newTenant(engine: Engine, name: string): Promise<Client> {
  const tenant = await request<{ apiKey: { key: string } }>(`${engine.api}/v1/tenants`, {
    ...asJson({ slug: `${name}-${randomBytes(4).toString("hex")}`, name }, engine.adminToken),
    method: "POST",
  });
  const { key } = tenant.apiKey;
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    request<T>(`${engine.api}${path}`, { ...asJson(body, key), method });
  return {
    call,
    async save(file, from, to) {
      const document: { name: string } = JSON.parse((await readFile(file, "utf8")).replaceAll(from, to));
      const path = `/v1/workflows/${document.name}`;
      const saved = await call<{ triggers: readonly { url?: string }[] }>("PUT", path, document);
      return saved.triggers.find((trigger) => trigger.url !== undefined)?.url;
    },
    async ended(id, onRead) {
      for (;;) {
        const execution = await call<Execution>("GET", `/v1/executions/${id}`);
        onRead?.(execution);
        if (execution.finishedAt !== null) return execution;
        await sleep(POLL_MS);
      }
    },
  };
}

/** Sends a webhook; the execution it started. */
export async function sendWebhook(
  hookUrl: string,
  body: string | Buffer<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
): Promise<{ executionId: string; duplicate: boolean }> {
  return request(hookUrl, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
}

function asJson(body: unknown, token: string): RequestInit {
  const authorization = `Bearer ${token}`;
  if (body === undefined) return { headers: { authorization } };
  return { headers: { authorization, "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function request<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${init.method ?? "GET"} ${url} answered ${response.status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}
