// Signs a payload as Standard Webhooks has it, and prints the headers that curl needs:
//   node examples/order-fulfilment/sign.mjs whsec_… payload.json > headers.txt
// Plain JavaScript for any Node.js from 20 on.
import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/**
 * The three headers of a signed request.
 * @param {string} secret `whsec_` and the key in base64
 * @param {string | Buffer} body the exact bytes that will be sent
 */
export function signedHeaders(secret, body) {
  const id = `msg_${randomUUID()}`;
  const timestamp = Math.floor(Date.now() / 1000);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [secret, file] = process.argv.slice(2);
  if (secret === undefined || file === undefined) {
    process.stderr.write("usage: node sign.mjs <whsec_…> <payload file>\n");
    process.exit(2);
  }
  for (const [name, value] of Object.entries(signedHeaders(secret, readFileSync(file)))) {
    process.stdout.write(`${name}: ${value}\n`);
  }
}
