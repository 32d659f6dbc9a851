import { describe, expect, it } from "vitest";
import { createAddressPolicy } from "./addresses.ts";

describe("createAddressPolicy", () => {
  const nothingPrivate = createAddressPolicy([]);

  it.each([
    "10.0.0.1",
    "127.0.0.1",
    "0.0.0.0",
    "169.254.169.254",
    "100.100.100.200",
    "100.64.0.1",
    "198.18.0.1",
    "203.0.113.9",
    "255.255.255.255",
    "168.63.129.16",
    "192.52.193.1",
    "192.175.48.1",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:168.63.129.16",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
    // The services of clouds that tell credentials.
    "169.254.170.2",
    "169.254.0.23",
    "169.254.42.42",
    "100.88.222.5",
    "192.0.0.192",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    // IPv4 addresses within IPv6 ones, in every clothing.
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a9fe:a9fe",
  ])("refuses %s", (address) => {
    expect(nothingPrivate.judge(address).kind).toBe("refused");
  });

  it.each(["8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1111", "172.32.0.1", "168.63.129.17"])(
    "lets %s pass",
    (address) => {
      expect(nothingPrivate.judge(address)).toEqual({ kind: "allowed", byOperator: false });
    },
  );

  it("refuses what is no address at all", () => {
    const verdicts = ["", "example.com", "127.0.0.1:80", "[::1]"].map((text) => nothingPrivate.judge(text).kind);
    expect(new Set(verdicts)).toEqual(new Set(["refused"]));
  });

  it("lets pass what the operator allows, in whichever form it is written, and nothing beside it", () => {
    const policy = createAddressPolicy(["127.0.0.1/32", " 10.1.0.0/16 ", "::1", "::ffff:192.168.0.0/112"]);
    const verdictsOf = (addresses: readonly string[]) =>
      addresses.map((address) => [address, policy.judge(address).kind]);
    const within = ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "::1", "192.168.7.7"];
    const beside = ["127.0.0.2", "10.2.0.1", "::2", "172.16.0.1"];
    expect(verdictsOf(within)).toEqual(within.map((address) => [address, "allowed"]));
    expect(verdictsOf(beside)).toEqual(beside.map((address) => [address, "refused"]));
  });

  it("names the entry that is no CIDR", () => {
    expect(() => createAddressPolicy(["10.0.0.0/8", "10.0.0.0/33"])).toThrow('"10.0.0.0/33"');
    expect(() => createAddressPolicy(["private"])).toThrow('"private"');
  });
});
