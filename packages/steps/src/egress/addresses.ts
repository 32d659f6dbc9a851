// Which IP addresses http steps may reach (I10). Knows nothing of names, sockets or HTTP.
//  E1. Fails closed: what is not known to be public is refused.
//  E2. An IPv4 address in IPv6 clothes (::ffff:a.b.c.d) is judged as the IPv4 address it reaches.
//  E3. What the operator allows by CIDR is allowed, whatever it is.
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Cidr = readonly [Address, number];

export type AddressVerdict =
  /** `byOperator`: one of the operator's CIDRs holds it. */
  { readonly kind: "allowed"; readonly byOperator: boolean } | { readonly kind: "refused"; readonly reason: string };

export interface AddressPolicy {
  /** Judges one IP literal, without brackets; what is no IP address is refused. */
  judge(address: string): AddressVerdict;
  /** False when the operator allows nothing beyond public addresses. */
  readonly allowsPrivate: boolean;
}

/** Public by the registries, and still not the internet: the cloud's own. */
const CLOUD_ADDRESSES = ["168.63.129.16/32"].map(parseCidr);

/** The only IPv6 block handed out for the internet, and what within it is not. */
const GLOBAL_IPV6 = parseCidr("2000::/3");
const SPECIAL_IPV6 = [
  "2001::/23", // Teredo, ORCHID, benchmarking and other protocols
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4: an IPv4 address in disguise
  "2620:4f:8000::/48", // AS112
  "3fff::/20", // documentation
].map(parseCidr);

/**
 * @param egressAllow CIDRs (`10.0.0.0/8`, `::1/128`) or single addresses that http steps may reach although private.
 * @throws Error that names the entry which is neither.
 */
export function createAddressPolicy(egressAllow: readonly string[]): AddressPolicy {
  const allowed = egressAllow.map(parseCidr);
  return {
    allowsPrivate: allowed.length > 0,
    judge(text) {
      if (!ipaddr.isValid(text)) return { kind: "refused", reason: "what is no IP address" };
      const address = ipaddr.process(text);
      if (allowed.some((cidr) => isWithin(address, cidr))) return { kind: "allowed", byOperator: true };
      const reason = reasonToRefuse(address);
      return reason === null ? { kind: "allowed", byOperator: false } : { kind: "refused", reason };
    },
  };
}

function reasonToRefuse(address: Address): string | null {
  const range: string = address.range();
  if (range !== "unicast") return `a ${RANGE_NAMES[range] ?? "reserved"} address`;
  if (CLOUD_ADDRESSES.some((cidr) => isWithin(address, cidr))) return "an address of the cloud's own services";
  if (address.kind() === "ipv4") return null;
  const isGlobal = isWithin(address, GLOBAL_IPV6) && !SPECIAL_IPV6.some((cidr) => isWithin(address, cidr));
  return isGlobal && !isTunnelled(address) ? null : "a reserved address";
}

/** ISATAP (RFC 5214): under any prefix, an interface named 5efe leads to the IPv4 address that follows. */
function isTunnelled(address: Address): boolean {
  const parts = address.toByteArray();
  return ((parts[8] ?? 0) & 0xfd) === 0 && parts[9] === 0 && parts[10] === 0x5e && parts[11] === 0xfe;
}

const RANGE_NAMES: { readonly [range: string]: string } = {
  private: "private",
  uniqueLocal: "private",
  loopback: "loopback",
  linkLocal: "link-local",
  multicast: "multicast",
  broadcast: "broadcast",
  carrierGradeNat: "shared (CGNAT)",
};

function isWithin(address: Address, [network, bits]: Cidr): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function parseCidr(text: string): Cidr {
  const entry = text.trim();
  try {
    if (!entry.includes("/")) {
      const address = ipaddr.process(entry);
      return [address, address.kind() === "ipv4" ? 32 : 128];
    }
    const [network, bits] = ipaddr.parseCIDR(entry);
    const mapped = network.kind() === "ipv6" && bits >= 96 ? ipaddr.process(network.toString()) : network;
    return mapped.kind() === network.kind() ? [network, bits] : [mapped, bits - 96];
  } catch {
    throw new Error(`"${text}" is neither an IP address nor a CIDR such as 10.0.0.0/8`);
  }
}
