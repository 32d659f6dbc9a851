// Whether a webhook request was sent by one who knows the secret: a pure function of the trigger's setting, the bytes as they
// arrived, headers, secrets and time. Knows nothing of hooks, tenants or HTTP answers; never parses the body.

import { assertNever } from "@keelson/contracts";
import { GITHUB_FORMAT, SHOPIFY_FORMAT, verifyBodyDigest } from "./body-digest.ts";
import { utf8Keys } from "./digest.ts";
import { type SignatureVerdict, refuse } from "./refusal.ts";
import type { BodyDigestFormat, SignatureConfig } from "./signature-config.ts";
import type { SignedRequest } from "./signed-request.ts";
import { verifySlack } from "./slack.ts";
import { verifyStandard } from "./standard.ts";
import { verifyStripe } from "./stripe.ts";

/** Total: whatever the headers and bytes are, the answer is a verdict and never an exception. */
export function verifySignature(request: SignedRequest & { readonly signature: SignatureConfig }): SignatureVerdict {
  const { signature } = request;
  if (signature.scheme === "none") return { ok: true };
  // An empty secret is one that everybody knows.
  const secrets = request.secrets.includes("") ? request.secrets.filter((secret) => secret !== "") : request.secrets;
  if (secrets.length === 0) {
    return refuse(
      "NO_SECRET",
      "None of the secrets that the trigger names has a value.",
      "Store the producer's signing secret under a name that the trigger lists.",
    );
  }
  const signed: SignedRequest = { ...request, secrets };
  switch (signature.scheme) {
    case undefined:
    case "standard":
      return verifyStandard(signed);
    case "stripe":
      return verifyStripe(signed);
    case "slack":
      return verifySlack(signed);
    case "github":
      return verifyDigestOf(signed, GITHUB_FORMAT);
    case "shopify":
      return verifyDigestOf(signed, SHOPIFY_FORMAT);
    case "hmac":
      return verifyDigestOf(signed, signature);
    default:
      return assertNever(signature);
  }
}

function verifyDigestOf(request: SignedRequest, format: BodyDigestFormat): SignatureVerdict {
  return verifyBodyDigest(format, {
    rawBody: request.rawBody,
    headers: request.headers,
    keys: utf8Keys(request.secrets),
  });
}
