// No secret that a step used is left in what is kept of its attempt, wherever the target echoes it.
import { describe, expect, it } from "vitest";
import { aRequest, someOptions, startClient, startTarget } from "../fixtures/target.ts";

const SECRET = 'tok/en+"42" é?';
const FORMS = [
  SECRET,
  encodeURIComponent(SECRET),
  new URLSearchParams({ s: SECRET }).toString().slice(2),
  Buffer.from(SECRET).toString("base64"),
  Buffer.from(SECRET).toString("base64url"),
  JSON.stringify(SECRET).slice(1, -1),
];
const options = (parts: Parameters<typeof someOptions>[0] = {}) => someOptions({ secretValues: [SECRET], ...parts });
const leaks = (value: unknown) =>
  FORMS.filter((form) => JSON.stringify(value).includes(JSON.stringify(form).slice(1, -1)));

const echo = (status: number, contentType: string) =>
  startTarget((request, response) => {
    const said = contentType === "application/json" ? JSON.stringify({ [SECRET]: FORMS, request }) : FORMS.join("\n");
    response.writeHead(status, { "content-type": contentType, "x-echo": encodeURIComponent(SECRET) }).end(said);
  });

describe("an attempt that used a secret", () => {
  it.each([
    [200, "application/json", "auto"],
    [200, "application/json", "text"],
    [200, "text/plain", "auto"],
    [500, "application/json", "auto"],
    [500, "text/plain", "base64"],
    [200, "text/plain", "json"],
  ] as const)("keeps none of it when a %i of %s echoes it (response: %s)", async (status, contentType, response) => {
    const target = await echo(status, contentType);
    const request = aRequest(`${target.origin}/p/${encodeURIComponent(SECRET)}?q=${SECRET}`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`user:${SECRET}`).toString("base64")}`, "x-token": SECRET },
      query: { token: SECRET },
      body: { token: SECRET },
    });
    const attempt = await startClient().perform(request, options({ config: { response } }));
    expect(target.seen[0]!.headers["x-token"]).toBe(SECRET);
    expect(leaks(attempt)).toEqual([]);
    expect(attempt.request.headers["x-token"]).toBe("***");
  });

  it("keeps none of it when the whole answer is read as base64", async () => {
    const target = await startTarget((_, response) => void response.end(`ab${SECRET}cd`));
    const { outcome } = await startClient().perform(
      aRequest(target.origin),
      options({ config: { response: "base64" } }),
    );
    const output = outcome.kind === "succeeded" ? outcome.output : null;
    const { body } = output as { body: string };
    expect(body).toContain("***");
    expect(Buffer.from(body.split("***")[0]!, "base64").toString()).toBe("ab");
  });

  it("keeps none of it in the message of a failure", async () => {
    const client = startClient({ lookup: async () => [] });
    const secretValues = ["secret-host"];
    const unknown = await client.perform(aRequest("http://secret-host.example/"), someOptions({ secretValues }));
    const blocked = await client.perform(
      aRequest("http://secret-host.local/"),
      someOptions({ secretValues, config: {} }),
    );
    expect(JSON.stringify([unknown, blocked])).not.toContain("secret-host");
    expect(unknown.outcome).toMatchObject({
      error: { message: "The name of ***.example could not be resolved (ENOTFOUND)." },
    });
  });

  it("leaves no beginning of it where the kept part of an answer ends", async () => {
    const secret = "abcdefghijklmnopqrstuvwxyz";
    for (const before of [16_380, 16_384, 16_370]) {
      const target = await startTarget((_, response) => {
        response.writeHead(500, { "content-type": "text/plain" }).end("-".repeat(before) + secret.repeat(2_000));
      });
      const { response } = await startClient().perform(
        aRequest(target.origin),
        someOptions({ secretValues: [secret] }),
      );
      expect(response?.body.replace(/^-+/, "")).toMatch(/^[*]*$/);
    }
  });

  it("shows the stored form of the request, so that short secrets stay out as well", async () => {
    const target = await startTarget((_, response) => void response.end("ok"));
    const sent = aRequest(`${target.origin}/pin/1234`, {
      headers: { "x-pin": "1234", "x-open": "o" },
      query: { pin: "1234" },
    });
    const frozen = { ...sent, url: "***", headers: { "x-pin": "***", "x-open": "o" }, query: { pin: "***" } };
    const attempt = await startClient().perform(sent, someOptions({ secretValues: ["1234"], frozen }));
    expect(target.seen[0]).toMatchObject({ url: "/pin/1234?pin=1234", headers: { "x-pin": "1234" } });
    expect(attempt.request).toMatchObject({ url: "***?pin=***", headers: { "x-pin": "***", "x-open": "o" } });
  });

  it("judges successIf by the redacted output, which is what is kept", async () => {
    const target = await startTarget((_, response) => void response.end(SECRET));
    let judged: unknown;
    const successIf = (response: unknown) => {
      judged = response;
      return true;
    };
    await startClient().perform(aRequest(target.origin), options({ successIf }));
    expect(judged).toMatchObject({ body: "***" });
  });
});
