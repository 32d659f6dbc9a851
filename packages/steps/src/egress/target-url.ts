// Reads the URL of a target and refuses what can be refused by its text alone; names are judged when they are resolved.
import { isIP } from "node:net";
import type { AddressPolicy } from "./addresses.ts";
import { EgressBlocked } from "./egress-blocked.ts";

/**
 * Parses as browsers do (WHATWG), so that `127.1` and `0x7f000001` are seen as what they reach.
 * @throws EgressBlocked for other schemes than http and https, a user name or password, and addresses out of reach.
 */
export function parseTargetUrl(text: string, policy: AddressPolicy, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) throw new EgressBlocked("The URL is not valid: an absolute http or https URL is needed.");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new EgressBlocked(`The URL's scheme is ${url.protocol.slice(0, 20)} where http: or https: is needed.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new EgressBlocked("The URL holds a user name or password; send an authorization header instead.");
  }
  checkHost(hostOf(url), policy);
  return url;
}

function checkHost(host: string, policy: AddressPolicy): void {
  if (isIP(host) !== 0) {
    checkAddress(host, policy);
  } else if (isInternalName(host) && !policy.allowsPrivate) {
    throw new EgressBlocked(`"${host}" is a name of the inner network, which http steps may not reach.`);
  }
}

/** @throws EgressBlocked unless the policy lets this IP literal pass. */
export function checkAddress(address: string, policy: AddressPolicy): void {
  const verdict = policy.judge(address);
  if (verdict.kind === "refused") {
    throw new EgressBlocked(`"${address}" is ${verdict.reason}, which http steps may not reach.`);
  }
}

/** The host as sockets and resolvers want it: IPv6 without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** Names that mean something only inside this network; they may lead to nothing but what the operator allows. */
export function isInternalName(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return !name.includes(".") || /\.(local|localhost|internal|localdomain)$/.test(name) || name === "metadata.goog";
}
