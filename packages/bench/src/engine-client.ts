// The tenant that the workloads run as: limits raised, a secret to sign with, the workflows saved.
import { randomBytes } from "node:crypto";
import { HOOK_SECRET, type Workload } from "./workflows.ts";

/** So that no limit is measured. */
const LIMITS = { apiPerMinute: 100_000_000, webhookPerMinute: 100_000_000, unfinishedExecutions: 1_000_000 };

/** Where an engine is, and who may make tenants there. */
export interface Engine {
  readonly urls: { readonly api: string };
  readonly adminToken: string;
}

export interface BenchTenant {
  readonly id: string;
  readonly apiKey: string;
  readonly secret: string;
  /** Saves a workload's documents; the url of its webhook. */
  readonly save: (workload: Workload, targetUrl: string) => Promise<string>;
  readonly call: (method: string, path: string, body?: object) => Promise<unknown>;
}

export async function createBenchTenant(engine: Engine, slug: string): Promise<BenchTenant> {
  const { api } = engine.urls;
  const made = (await request(`${api}/v1/tenants`, "POST", engine.adminToken, { slug, name: slug })) as {
    tenant: { id: string };
    apiKey: { key: string };
  };
  await request(`${api}/v1/tenants/${made.tenant.id}`, "PATCH", engine.adminToken, { limits: LIMITS });
  const apiKey = made.apiKey.key;
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  const call = (method: string, path: string, body?: object): Promise<unknown> =>
    request(`${api}${path}`, method, apiKey, body);
  await call("PUT", `/v1/secrets/${HOOK_SECRET}`, { value: secret });
  return {
    id: made.tenant.id,
    apiKey,
    secret,
    call,
    async save(workload, targetUrl) {
      let url = "";
      for (const document of workload.documents(targetUrl)) {
        const saved = (await call("PUT", `/v1/workflows/${document.name}`, document)) as {
          triggers: { url?: string }[];
        };
        url = saved.triggers[0]?.url ?? url;
      }
      return url;
    },
  };
}

async function request(url: string, method: string, token: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answers ${response.status}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}
