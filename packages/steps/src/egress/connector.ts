// Opens the sockets of http steps. Owns: that no socket leads anywhere the address policy refuses (I10).
//  C1. Literals are judged here as well: undici asks no resolver for them.
//  C2. All answers of a look-up are judged, and the socket goes to one of the judged addresses: there is no second
//      look-up that could answer something else (rebinding).
//  C3. Once connected, the peer's address is judged again.
import { lookup as systemLookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { buildConnector } from "undici";
import type { AddressPolicy } from "./addresses.ts";
import { EgressBlocked } from "./egress-blocked.ts";
import { checkAddress, isInternalName } from "./target-url.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name; rejects where there are none. */
export type Lookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** How long one address of several is tried before the next one has its turn, in ms. */
const NEXT_ADDRESS_MS = 1_000;

export interface GuardedConnectorOptions {
  readonly policy: AddressPolicy;
  readonly connectTimeoutMs: number;
  readonly lookup?: Lookup | undefined;
}

export function createGuardedConnector(options: GuardedConnectorOptions): buildConnector.connector {
  const { policy } = options;
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    allowH2: false,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    lookup: createGuardedLookup(policy, options.lookup ?? lookupAll),
  });
  return (target, callback) => {
    try {
      if (isIP(target.hostname) !== 0) checkAddress(target.hostname, policy);
    } catch (error) {
      queueMicrotask(() => callback(asError(error), null));
      return;
    }
    connect(target, (error, socket) => {
      if (error !== null || socket === null) {
        callback(error ?? new Error("no socket"), null);
        return;
      }
      const peer = socket.remoteAddress;
      if (peer === undefined || policy.judge(peer).kind === "refused") {
        socket.destroy();
        callback(peer === undefined ? closedAtOnce() : new EgressBlocked("The connection led out of bounds."), null);
        return;
      }
      callback(null, socket);
    });
  };
}

/** The resolver given to sockets: it answers with judged addresses alone, or fails. */
export function createGuardedLookup(policy: AddressPolicy, lookup: Lookup): LookupFunction {
  const resolve = callbackify(async (hostname: string) => reachableAddresses(hostname, await lookup(hostname), policy));
  return (hostname, options, callback) => {
    resolve(hostname, (error, answers) => {
      const first = error ? undefined : answers[0];
      if (first === undefined) callback(error ?? notFound(hostname), "");
      else if (options.all === true) callback(null, [...answers]);
      else callback(null, first.address, first.family);
    });
  };
}

/**
 * One refused answer among several refuses the name; of an inner name, only what the operator allows is used
 * (`localhost` may be 127.0.0.1 and ::1 where one of them is allowed).
 */
function reachableAddresses(
  hostname: string,
  answers: readonly ResolvedAddress[],
  policy: AddressPolicy,
): readonly ResolvedAddress[] {
  const judged = answers.map((answer) => ({ answer, verdict: policy.judge(answer.address) }));
  if (isInternalName(hostname)) {
    const allowed = judged.filter(({ verdict }) => verdict.kind === "allowed" && verdict.byOperator);
    if (allowed.length === 0 && answers.length > 0) {
      throw new EgressBlocked(`"${hostname}" is a name of the inner network, which http steps may not reach.`);
    }
    return allowed.map(({ answer }) => answer);
  }
  for (const { verdict } of judged) {
    if (verdict.kind === "refused") {
      throw new EgressBlocked(`"${hostname}" leads to ${verdict.reason}, which http steps may not reach.`);
    }
  }
  return answers;
}

function lookupAll(hostname: string): Promise<readonly ResolvedAddress[]> {
  return systemLookup(hostname, { all: true });
}

function notFound(hostname: string): Error {
  return Object.assign(new Error(`no address for ${hostname}`), { code: "ENOTFOUND" });
}

function closedAtOnce(): Error {
  return Object.assign(new Error("the connection was closed at once"), { code: "ECONNRESET" });
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
