import { expect, it } from "vitest";
import { clientOf } from "./client-address.ts";

it.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  [undefined, "unknown"],
  ["no address", "unknown"],
])("takes %j for the client %j", (address, client) => expect(clientOf(address)).toBe(client));

it("takes a network of 64 bits for one client, and the next one for another", () => {
  const one = clientOf("2001:db8:0:1::1");
  expect(clientOf("2001:db8:0:1:ffff:ffff:ffff:ffff")).toBe(one);
  expect(clientOf("2001:db8:0:2::1")).not.toBe(one);
});
