import ipaddr from "ipaddr.js";

/**
 * What counts as one client by its socket's address: an IPv4 address, also within IPv6, or an IPv6 network of 64 bits, which is
 * what one subscriber has. Behind a proxy all clients are one: forwarding headers are anyone's to write.
 */
export function clientOf(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6) return parsed.parts.slice(0, 4).join(":");
  return parsed.toString();
}
