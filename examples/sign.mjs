// Signs a payload as its producer would, and prints the headers that curl needs:
//   node examples/sign.mjs stripe whsec_… payload.json > headers.txt
// Plain JavaScript for any Node.js from 20 on; each scheme as its inventor documents it.
import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** @type {Record<string, (secret: string, body: string | Buffer) => Record<string, string>>} */
const SCHEMES = {
  standard(secret, body) {
    const id = `msg_${randomUUID()}`;
    const timestamp = seconds();
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  },
  stripe(secret, body) {
    const timestamp = seconds();
    const signature = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
    return { "stripe-signature": `t=${timestamp},v1=${signature}` };
  },
  github: (secret, body) => ({
    "x-github-event": "workflow_run",
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  }),
  shopify: (secret, body) => ({
    "x-shopify-topic": "orders/create",
    "x-shopify-webhook-id": randomUUID(),
    "x-shopify-hmac-sha256": createHmac("sha256", secret).update(body).digest("base64"),
  }),
};

/**
 * The headers of a signed request.
 * @param {string} scheme `standard`, `stripe`, `github` or `shopify`
 * @param {string} secret as the producer shows it
 * @param {string | Buffer} body the exact bytes that will be sent
 */
export function signedHeaders(scheme, secret, body) {
  const sign = SCHEMES[scheme];
  if (sign === undefined)
    throw new Error(`The scheme must be one of ${Object.keys(SCHEMES).join(", ")}, not ${scheme}`);
  return sign(secret, body);
}

function seconds() {
  return String(Math.floor(Date.now() / 1000));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [scheme, secret, file] = process.argv.slice(2);
  if (scheme === undefined || secret === undefined || file === undefined) {
    process.stderr.write("usage: node sign.mjs <standard|stripe|github|shopify> <secret> <payload file>\n");
    process.exit(2);
  }
  for (const [name, value] of Object.entries(signedHeaders(scheme, secret, readFileSync(file)))) {
    process.stdout.write(`${name}: ${value}\n`);
  }
}
