// Stand-ins for the remote services of the numbered examples, by host: `https://erp.example.com/api/orders` of a document
// is `/erp.example.com/api/orders` here. Each behaves as the real one would where an example depends on it. Plain
// JavaScript for any Node.js from 20 on: `node examples/stand-ins.mjs` listens on 127.0.0.1:4200 and prints what it is sent.
import { createHmac } from "node:crypto";
import { pathToFileURL } from "node:url";
import { serve } from "./serve.mjs";

/**
 * @typedef {import("./serve.mjs").Answer} Answer
 * @typedef {import("./serve.mjs").Call & { host: string }} Call
 */

/** The services, with a memory of their own: each is asked with the path below its host. */
function services() {
  /** Orders the ERP has, by their external id. */
  const orders = new Map();
  let polls = 0;
  let tokens = 0;
  return {
    "slack.com": ({ text }) => {
      const { channel } = JSON.parse(text);
      return { body: { ok: true, channel, ts: "1767225600.000100" } };
    },
    "hooks.slack.com": () => ({ body: "ok" }),
    "events.pagerduty.com": ({ text }) => ({
      status: 202,
      body: { status: "success", message: "Event processed", dedup_key: JSON.parse(text).dedup_key },
    }),
    "ledger.example.com": ({ text }) => ({ status: 201, body: { entryId: `le_${JSON.parse(text).reference}` } }),

    "api.github.com": ({ method, path }) => {
      if (path.endsWith("/jobs")) {
        const jobs = [
          { id: 1, name: "lint", conclusion: "success" },
          { id: 2, name: "test", conclusion: "success" },
          { id: 3, name: "docs", conclusion: "skipped" },
        ];
        return { body: { total_count: jobs.length, jobs } };
      }
      if (method === "POST" && path.endsWith("/deployments")) return { status: 201, body: { id: 42 } };
      return { status: 201, body: { id: 7 } };
    },
    "deploy.example.com": () => ({ body: { url: "https://octo.example.com" } }),

    "erp.example.com": ({ method, text, query, headers }) => {
      if (method === "GET") {
        const order = orders.get(query.get("externalId"));
        return { body: { orders: order === undefined ? [] : [order] } };
      }
      const signature = `sha256=${createHmac("sha256", "example-erp-signing-key").update(text).digest("hex")}`;
      if (headers["x-erp-signature"] !== signature) return { status: 401, body: { error: "bad signature" } };
      const { externalId } = JSON.parse(text);
      if (orders.has(externalId)) return { status: 409, body: { error: "an order with this externalId exists" } };
      orders.set(externalId, { externalId, number: `SO-${1000 + orders.size}` });
      return { status: 201, body: orders.get(externalId) };
    },
    "example.myshopify.com": ({ text }) => ({ body: JSON.parse(text) }),

    "render.example.com": ({ method, path }) => {
      if (method === "POST") return { status: 202, body: { id: "job 1", state: "queued" } };
      if (path.endsWith("/manifest")) return { body: { files: [{ name: "talk.mp4" }, { name: "talk.vtt" }] } };
      polls += 1;
      return { body: { id: "job 1", state: polls < 3 ? "running" : "done" } };
    },

    "crm.example.com": ({ query }) => ({
      body: {
        contacts: [
          { id: "c-2", email: "Grace@example.com", country: "US", updated_at: "2026-01-15T08:00:00Z" },
          { id: "c-1", email: "ada@example.com ", country: "GB", updated_at: "2026-01-14T12:00:00Z" },
          { id: "c-3", email: null, country: "DE", updated_at: "2026-01-14T13:00:00Z" },
        ].filter(({ updated_at }) => Date.parse(updated_at) >= Date.parse(query.get("updated_since") ?? "")),
      },
    }),
    "warehouse.example.com": ({ text }) => ({ body: { loaded: JSON.parse(text).rows.length } }),

    // The first token has expired by the time it is used.
    "login.example.com": ({ headers }) => {
      const basic = `Basic ${Buffer.from("example-client:example-client-secret").toString("base64")}`;
      if (headers["authorization"] !== basic) return { status: 401, body: { error: "invalid_client" } };
      tokens += 1;
      return { body: { access_token: `token-number-${tokens}`, token_type: "Bearer", expires_in: 3600 } };
    },
    "books.example.com": ({ headers }) =>
      headers["authorization"] === "Bearer token-number-1"
        ? { status: 401, body: { error: "token_expired" } }
        : {
            body: {
              invoices: [
                { id: "i-1", due: 120.5 },
                { id: "i-2", due: 79.45 },
              ],
            },
          },

    "near.example.com": () => ({ status: 409, body: { error: "out of stock" } }),
    "far.example.com": () => ({ status: 201, body: { id: "res-77" } }),
    "shop.example.com": () => ({ body: {} }),

    // A supplier whose feed is a page of its maintenance.
    "feeds.example.com": () => ({ status: 404, body: { error: "no such feed" } }),
  };
}

/**
 * Starts the stand-ins. `answerNext(host, ...answers)` makes a service answer these first.
 * @param {{ port: number, onCall?: (call: Call, answer: Answer) => void }} options
 */
export async function startStandIns({ port, onCall }) {
  const byHost = services();
  /** @type {Call[]} */
  const calls = [];
  /** @type {Map<string, Answer[]>} */
  const scripted = new Map();
  const server = await serve({
    port,
    answer(received) {
      const [, host = "", ...rest] = received.path.split("/");
      const call = { ...received, host, path: `/${rest.join("/")}` };
      calls.push(call);
      const answer = scripted.get(host)?.shift() ??
        byHost[host]?.(call) ?? { status: 404, body: { error: "no such host" } };
      onCall?.(call, answer);
      return answer;
    },
  });
  return {
    ...server,
    /** What a host was sent, in order. @param {string} host */
    to: (host) => calls.filter((call) => call.host === host),
    /** @param {string} host @param {readonly Answer[]} answers */
    answerNext: (host, ...answers) => void scripted.set(host, [...(scripted.get(host) ?? []), ...answers]),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { url } = await startStandIns({
    port: 4200,
    onCall: ({ method, host, path, text }, { status = 200 }) =>
      process.stdout.write(`${method} https://${host}${path} ${status} ${text}\n`),
  });
  process.stdout.write(`Stand-ins for the services of the examples on ${url}\n`);
}
