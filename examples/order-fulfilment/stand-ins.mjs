// Small stand-ins for the payment, shipping and notification services that the order workflow calls.
// Plain JavaScript for any Node.js from 20 on: `node examples/order-fulfilment/stand-ins.mjs` listens on 127.0.0.1:4100.
import { pathToFileURL } from "node:url";
import { serve } from "../serve.mjs";

/** What each service answers to a body; the same Idempotency-Key always gets the first answer again. */
const SERVICES = {
  "/charges": (body) => ({ id: `ch_${body.ref}`, amount: body.amount, status: "paid" }),
  "/parcels": (body) => ({ tracking: `TRACK-${String(body.ref).toUpperCase()}` }),
  "/notifications": () => ({ sent: true }),
};

/**
 * Starts the stand-ins on 127.0.0.1; port 0 picks a free one.
 * @param {{ port: number, onCall?: (call: { path: string, body: unknown, key: string | undefined }) => void }} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startStandIns({ port, onCall }) {
  const answered = new Map();
  return serve({
    port,
    answer({ method, path, text, headers }) {
      const service = SERVICES[path];
      if (method !== "POST" || service === undefined) return { status: 404, body: { error: "no such service" } };
      const key = headers["idempotency-key"];
      const body = JSON.parse(text);
      if (!answered.has(key)) answered.set(key, service(body));
      onCall?.({ path, body, key });
      return { status: 201, body: answered.get(key) };
    },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { url } = await startStandIns({
    port: 4100,
    onCall: ({ path, body, key }) => process.stdout.write(`${path} ${JSON.stringify(body)} (key ${key})\n`),
  });
  process.stdout.write(`Payment, shipping and notification stand-ins on ${url}\n`);
}
