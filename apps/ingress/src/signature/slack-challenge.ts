import { type Json, isJsonObject } from "@keelson/contracts";
import type { SignatureConfig } from "./signature-config.ts";

/** The text that Slack wants back where a signed request is its check of the address; null for any other. */
export function slackChallenge(signature: SignatureConfig, body: Json): string | null {
  if (signature.scheme !== "slack" || !isJsonObject(body) || body["type"] !== "url_verification") return null;
  const challenge = body["challenge"];
  return typeof challenge === "string" ? challenge : null;
}
