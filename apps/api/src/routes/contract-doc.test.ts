// docs/contract.md lists every call there is, and says of each whether it is served.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ROUTES } from "./all.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/contract.md", import.meta.url));
const ROW = /^\| `([A-Z]+ \/v1\/[^`]+)` \| (\w+) \|[^|]*\|/gm;
const page = readFileSync(PAGE, "utf8");
const served = new Set(ROUTES.map(({ method, path }) => keyOf(`${method.toUpperCase()} ${path}`)));

it("docs/contract.md lists every call that is served", () => {
  const listed = new Set([...page.matchAll(ROW)].map(([, call = ""]) => keyOf(call)));
  expect([...served].filter((call) => !listed.has(call))).toEqual([]);
});

it("docs/contract.md says which calls are served", async () => {
  const current = page.replace(ROW, (_, call: string, scope: string) => {
    const mark = served.has(keyOf(call)) ? "yes" : "**not yet**";
    return `| \`${call}\` | ${scope} | ${mark} |`;
  });
  await expect(current).toMatchFileSnapshot(PAGE);
});

/** Whatever a parameter of the path is called. */
function keyOf(call: string): string {
  return call.replace(/:\w+/g, ":");
}
