// Every address trick of ../fixtures/ssrf-urls.json, by the way it must be stopped.
import { isIP } from "node:net";
import { describe, expect, it } from "vitest";
import cases from "../fixtures/ssrf-urls.json" with { type: "json" };
import { aRequest, someOptions, startClient } from "../fixtures/target.ts";
import type { AnswerHead } from "../http/exchange.ts";
import { nextMessage } from "../http/redirect.ts";
import { createTextRedactor } from "../redact.ts";
import { createAddressPolicy } from "./addresses.ts";
import { createGuardedLookup, type ResolvedAddress } from "./connector.ts";
import { EgressBlocked } from "./egress-blocked.ts";
import { hostOf, parseTargetUrl } from "./target-url.ts";

interface Case {
  readonly url: string;
  readonly expect: string;
  readonly resolvesTo?: readonly string[];
  readonly resolvesToSecond?: readonly string[];
  readonly location?: string;
}
const ALL: readonly Case[] = cases.cases;
const PUBLIC = "93.184.216.34";
const policy = createAddressPolicy([]);

/** Refused in the list for their port alone. The contract restricts addresses, not ports: tenants' APIs listen anywhere. */
const FREE_PORTS = new Set(["http://example.com:22/", "http://example.com:6379/", "http://example.com:11211/"]);
/** A name without addresses, a loop that the count of redirects ends (perform.test.ts), a second answer. */
const TOLD_APART = new Set([
  "http://empty.example/",
  "https://redirector.example/?n=50",
  "http://7f000001.c0a80001.rbndr.us/",
]);

const answersOf = (addresses: readonly string[]): ResolvedAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
const labelled = (expected: string) =>
  ALL.filter((one) => one.expect === expected && !FREE_PORTS.has(one.url) && !TOLD_APART.has(one.url)).map(
    (one) => [one.url, one] as const,
  );

/** Asks the guarded resolver as a socket does. */
function resolveGuarded(hostname: string, lookup: () => Promise<ResolvedAddress[]>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    createGuardedLookup(policy, lookup)(hostname, { all: true }, (error, addresses) =>
      error ? reject(error) : resolve(addresses),
    );
  });
}

describe("ssrf-urls.json", () => {
  it.each([...labelled("block"), ...labelled("block-at-connect")])(
    "blocks %j before a byte is sent",
    async (url, one) => {
      const client = startClient({ egressAllow: [], lookup: async () => answersOf(one.resolvesTo ?? [PUBLIC]) });
      const { outcome, response } = await client.perform(aRequest(url), someOptions());
      expect(outcome).toMatchObject({
        kind: "failed",
        error: { code: "EGRESS_BLOCKED" },
        retryable: false,
        inDoubt: false,
      });
      expect(response).toBeNull();
    },
  );

  it.each(labelled("block-at-redirect"))("does not follow the redirect of %j", (url, one) => {
    const from = { method: "GET", url: new URL(url), headers: new Map(), body: null };
    const head = { status: 302, headers: new Map([["location", [one.location!]]]) } as unknown as AnswerHead;
    expect(() => nextMessage(from, head, policy, createTextRedactor([]))).toThrow(EgressBlocked);
  });

  it.each([...labelled("allow").map(([url]) => url), ...FREE_PORTS])("lets %j pass", async (url) => {
    const host = hostOf(parseTargetUrl(url, policy));
    const answers = answersOf([isIP(host) === 0 ? PUBLIC : host]);
    await expect(resolveGuarded("name.example", async () => answers)).resolves.toEqual(answers);
  });

  it("covers every case of the list", () => {
    const covered = ["block", "block-at-connect", "block-at-redirect", "allow"].flatMap((kind) => labelled(kind));
    expect(covered.length + FREE_PORTS.size + TOLD_APART.size).toBe(ALL.length);
  });

  it("calls a name without addresses a network failure, to be tried again", async () => {
    const client = startClient({ egressAllow: [], lookup: async () => [] });
    const { outcome } = await client.perform(aRequest("http://empty.example/"), someOptions());
    expect(outcome).toMatchObject({ error: { code: "HTTP_NETWORK" }, retryable: true, inDoubt: false });
  });

  it("gives a rebinding name's socket the address that was judged, and asks no second time", async () => {
    const rebinding = ALL.find((one) => one.resolvesToSecond !== undefined)!;
    const answers = [answersOf(rebinding.resolvesTo!), answersOf(rebinding.resolvesToSecond!)];
    let lookups = 0;
    const lookup = async () => answers[lookups++]!;
    const host = new URL(rebinding.url).hostname;
    await expect(resolveGuarded(host, lookup)).resolves.toEqual(answersOf(rebinding.resolvesTo!));
    expect(lookups).toBe(1);
    await expect(resolveGuarded(host, lookup)).rejects.toThrow(EgressBlocked);
  });

  it("refuses a name of which one address among several is out of reach", async () => {
    const mixed = async () => answersOf([PUBLIC, "10.0.0.1"]);
    await expect(resolveGuarded("mixed.example", mixed)).rejects.toThrow(EgressBlocked);
  });

  it("refuses an inner name even where it leads to a public address", async () => {
    await expect(resolveGuarded("intranet", async () => answersOf([PUBLIC]))).rejects.toThrow(EgressBlocked);
  });
});
