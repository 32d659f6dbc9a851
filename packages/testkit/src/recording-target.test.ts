import { afterEach, expect, it } from "vitest";
import { recordingTarget, type Answer, type RecordingTarget } from "./recording-target.ts";

let target: RecordingTarget | undefined;

afterEach(async () => {
  await target?.close();
});

async function start(answers?: readonly Answer[]): Promise<RecordingTarget> {
  target = await recordingTarget(answers);
  return target;
}

it("records method, path, headers and the very bytes that were sent", async () => {
  const { url, requests, to } = await start();
  const bytes = new Uint8Array([0, 255, 10, 13]);
  await fetch(`${url}/a?b=1`, { method: "PUT", headers: { "X-Thing": "yes" }, body: bytes });
  expect(requests[0]).toMatchObject({ index: 0, method: "PUT", url: "/a?b=1", path: "/a" });
  expect(requests[0]?.headers["x-thing"]).toBe("yes");
  expect([...(requests[0]?.body ?? [])]).toEqual([...bytes]);
  expect(to("/a")).toHaveLength(1);
});

it("answers a list in order and its last entry for ever after", async () => {
  const { url } = await start([{ status: 503 }, { status: 201, body: { ok: true } }]);
  const answers = [await fetch(url), await fetch(url), await fetch(url)];
  expect(answers.map(({ status }) => status)).toEqual([503, 201, 201]);
  expect(await answers[2]?.json()).toEqual({ ok: true });
});

it("cuts the connection without an answer, or in the middle of one", async () => {
  const { url } = await start(["reset", "truncate"]);
  await expect(fetch(url)).rejects.toThrow("fetch failed");
  const half = await fetch(url);
  await expect(half.text()).rejects.toThrow("terminated");
});

it("lets go of requests it never answered when it is closed", async () => {
  const hanging = await start(["hang"]);
  const request = fetch(hanging.url).catch((error: unknown) => error);
  while (hanging.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await hanging.close();
  expect(await request).toBeInstanceOf(TypeError);
});
