// Small stand-ins for the payment, shipping and notification services that the order workflow calls.
// Plain JavaScript for any Node.js from 20 on: `node examples/order-fulfilment/stand-ins.mjs` listens on 127.0.0.1:4100.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

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
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request, response) {
    const answer = SERVICES[request.url ?? ""];
    if (request.method !== "POST" || answer === undefined) return reply(response, 404, { error: "no such service" });
    let text = "";
    for await (const chunk of request) text += chunk;
    const key = request.headers["idempotency-key"];
    const body = JSON.parse(text);
    if (!answered.has(key)) answered.set(key, answer(body));
    onCall?.({ path: request.url ?? "", body, key: typeof key === "string" ? key : undefined });
    return reply(response, 201, answered.get(key));
  }

  await new Promise((resolve, reject) =>
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined)),
  );
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`;
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}

function reply(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { url } = await startStandIns({
    port: 4100,
    onCall: ({ path, body, key }) => process.stdout.write(`${path} ${JSON.stringify(body)} (key ${key})\n`),
  });
  process.stdout.write(`Payment, shipping and notification stand-ins on ${url}\n`);
}
