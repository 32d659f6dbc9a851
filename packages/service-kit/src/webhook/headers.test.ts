import type { HmacSignature } from "@keelson/contracts";
import { expect, it } from "vitest";
import { deliveryHeaders, queryOf, triggerHeaders } from "./headers.ts";

const ARRIVED = {
  "content-type": ["application/json"],
  authorization: ["Bearer abc"],
  cookie: ["a=b"],
  "webhook-id": ["msg_1"],
  "webhook-signature": ["v1,abc"],
  "x-own-signature": ["abc"],
  "x-twice": ["1", "2"],
  __absent: undefined,
  ["__proto__"]: ["x"],
};

it("shows the tenant all headers, but not the values of credentials", () => {
  expect(deliveryHeaders(ARRIVED)).toEqual({
    "content-type": "application/json",
    authorization: "***",
    cookie: "***",
    "webhook-id": "msg_1",
    "webhook-signature": "v1,abc",
    "x-own-signature": "abc",
    "x-twice": "1, 2",
  });
});

it("gives templates neither credentials nor what proves the signature", () => {
  const signature: HmacSignature = { scheme: "hmac", secrets: ["A"], header: "X-Own-Signature", encoding: "hex" };
  expect(triggerHeaders(ARRIVED, signature)).toEqual({
    "content-type": "application/json",
    "webhook-id": "msg_1",
    "x-twice": "1, 2",
  });
});

it("reads the query as strings, and as arrays where a name is repeated", () => {
  expect(queryOf("a=1&b=x+y&b=%C3%A9&c")).toEqual({ a: "1", b: ["x y", "é"], c: "" });
  expect(queryOf("")).toEqual({});
});

it("never yields what could not be stored", () => {
  expect(queryOf("a=%00&b=%FF&__proto__=1&%00=x")).toEqual({ a: "\uFFFD", b: "\uFFFD", "\uFFFD": "x" });
});
