// What the engine may rely on of its store, whatever the store is made of: what goes in comes out, one holder at a time,
// ended is ended, and what nobody holds is found. The same cases hold PostgreSQL and the store in memory to one word.
import { afterAll, beforeAll, describe } from "vitest";
import { childrenCases } from "./children.ts";
import { commitCases } from "./commits.ts";
import { endedCases } from "./ended.ts";
import { leaseCases } from "./leases.ts";
import type { Ground, StoreSubject } from "./subject.ts";

/** Long enough for all cases; ms. */
const TTL_MS = 600_000;

export { endOf, itemOf, releaseOf, succeededStep } from "./items.ts";
export type { Facts, Started, StoreSubject } from "./subject.ts";

export function describeStore(name: string, open: () => Promise<StoreSubject>): void {
  describe(`${name}:`, () => {
    let ground: Ground | null = null;
    const stand = (): Ground => {
      if (ground === null) throw new Error("The store is not open yet");
      return ground;
    };
    beforeAll(async () => {
      const subject = await open();
      ground = { subject, worker: await subject.registerWorker(TTL_MS) };
    });
    afterAll(() => ground?.subject.close());
    describe("what is committed", () => {
      commitCases(stand);
    });
    describe("a lease", () => {
      leaseCases(stand);
    });
    describe("an ended execution", () => {
      endedCases(stand);
    });
    describe("children", () => {
      childrenCases(stand);
    });
  });
}
