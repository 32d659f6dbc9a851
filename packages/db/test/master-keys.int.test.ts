// Secrets sealed under numbered master keys: moved, changed, and sealed anew while others write.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createSecretBox,
  createSecretReader,
  type Database,
  type MasterKey,
  missingMasterKeys,
  rewrapSecrets,
  type SecretBox,
  secretPut,
  secretsByKey,
  type TenantTx,
} from "../src/index.ts";
import { createWorld, type World } from "./world.ts";

const key = (version: number): MasterKey => ({ version, bytes: randomBytes(32) });
const [first, second, third] = [key(1), key(2), key(3)];
const old = createSecretBox([first]);
const both = createSecretBox([second, first]);
const next = createSecretBox([second]);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
beforeEach(() => world.admin.query("delete from keelson.secrets"));

const put = (box: SecretBox, tenantId: string, name: string, value: string) =>
  world.app.withTenant(tenantId, (tx) => secretPut(tx, tenantId, name, box.seal(tenantId, name, value)));

const read = async (box: SecretBox, tenantId: string, ...names: string[]) =>
  Object.fromEntries(await createSecretReader(world.worker, box).read(tenantId, names));

const counts = async () =>
  (await secretsByKey(world.app)).map(({ keyVersion, secrets, replaced }) => [keyVersion, secrets, replaced]);

/** So many secrets of two tenants each under the first key, each with a value before it: their values by tenant. */
async function sealSome(count: number): Promise<Map<string, Record<string, string>>> {
  const values = new Map<string, Record<string, string>>();
  for (const tenantId of [await world.tenant(), await world.tenant()]) {
    const own: Record<string, string> = {};
    for (let n = 0; n < count; n++) {
      await put(old, tenantId, `S${n}`, "before");
      await put(old, tenantId, `S${n}`, (own[`S${n}`] = randomBytes(12).toString("hex")));
    }
    values.set(tenantId, own);
  }
  return values;
}

/** The same database, where a rewrap has read its first row and not yet written it: then this is done first. */
function beforeFirstWrite(work: () => Promise<unknown>): Database {
  let isDone = false;
  const gate = (tx: TenantTx) =>
    new Proxy(tx, {
      get(target, property: keyof TenantTx) {
        if (property !== "$executeRaw" || isDone) return target[property];
        return async (...statement: Parameters<TenantTx["$executeRaw"]>) => {
          isDone = true;
          await work();
          return target.$executeRaw(...statement);
        };
      },
    });
  return { ...world.app, withTenant: (tenantId, use) => world.app.withTenant(tenantId, (tx) => use(gate(tx))) };
}

async function expectValues(box: SecretBox, values: ReadonlyMap<string, Record<string, string>>): Promise<void> {
  for (const [tenantId, own] of values) expect(await read(box, tenantId, ...Object.keys(own))).toEqual(own);
}

describe("a sealed row", () => {
  it.each([
    ["another tenant's", "update keelson.secrets set ciphertext = $3, nonce = $4 where tenant_id = $2 and name = 'A'"],
    ["another name's", "update keelson.secrets set ciphertext = $3, nonce = $4 where tenant_id = $1 and name = 'B'"],
  ])("does not open in %s place", async (_, move) => {
    const [mine, theirs] = [await world.tenant(), await world.tenant()];
    for (const [tenantId, name] of [
      [mine, "A"],
      [mine, "B"],
      [theirs, "A"],
    ] as const)
      await put(old, tenantId, name, "x");
    const { rows } = await world.admin.query<{ ciphertext: Buffer; nonce: Buffer }>(
      "select ciphertext, nonce from keelson.secrets where tenant_id = $1 and name = 'A'",
      [mine],
    );
    // Types the parameters that a statement does not name.
    await world.admin.query(`with p as (select $1::uuid, $2::uuid, $3::bytea, $4::bytea) ${move}`, [
      mine,
      theirs,
      rows[0]?.ciphertext,
      rows[0]?.nonce,
    ]);
    const [tenantId, name] = move.includes("'B'") ? [mine, "B"] : [theirs, "A"];
    await expect(read(old, tenantId ?? "", name ?? "")).rejects.toThrow();
    expect(await read(old, mine, "A")).toEqual({ A: "x" });
  });

  it.each([
    ["a bit of its value is another", "ciphertext = set_bit(ciphertext, 3, 1 - get_bit(ciphertext, 3))"],
    ["a bit of its nonce is another", "nonce = set_bit(nonce, 95, 1 - get_bit(nonce, 95))"],
    ["its tag is cut", "ciphertext = substr(ciphertext, 1, octet_length(ciphertext) - 4)"],
    ["it is under another key's number", "key_version = 2"],
  ])("does not open where %s", async (_, change) => {
    const tenantId = await world.tenant();
    await put(old, tenantId, "A", "swordfish");
    await world.admin.query(`update keelson.secrets set ${change} where tenant_id = $1`, [tenantId]);
    await expect(read(both, tenantId, "A")).rejects.toThrow();
  });
});

describe("sealing anew", () => {
  it("moves every value to the first key, those before the last change too, and changes nothing that is seen", async () => {
    const values = await sealSome(7);
    const shown = "select tenant_id, name, created_at, updated_at from keelson.secrets order by 1, 2";
    const { rows: before } = await world.admin.query<object>(shown);
    expect(await counts()).toEqual([[1, 14, 14]]);
    const done = await rewrapSecrets(world.app, both, { batchSize: 3 });
    expect(done).toMatchObject({ rewrapped: 28, spoilt: [] });
    expect(await counts()).toEqual([[2, 14, 14]]);
    await expectValues(next, values);
    expect((await world.admin.query<object>(shown)).rows).toEqual(before);
    expect(await rewrapSecrets(world.app, both)).toMatchObject({ rewrapped: 0 });
  });

  it("never puts an old value over one that is put meanwhile", async () => {
    const [[tenantId = ""] = []] = await sealSome(1);
    await rewrapSecrets(
      beforeFirstWrite(() => put(old, tenantId, "S0", "put meanwhile")),
      both,
      { batchSize: 1 },
    );
    expect(await read(both, tenantId, "S0")).toEqual({ S0: "put meanwhile" });
    // The next pass has taken that one, too.
    expect(await counts()).toEqual([[2, 2, 2]]);
  });

  it("may be cut off at any row and begun again, and run twice at once under writers", async () => {
    const values = await sealSome(20);
    const cutOff = new AbortController();
    const onBatch = (rewrapped: number) => rewrapped >= 8 && cutOff.abort();
    await rewrapSecrets(world.app, both, { batchSize: 4, onBatch, stopping: cutOff.signal });
    const [[, left = 0] = []] = await counts();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(40);
    await expectValues(both, values);

    const [tenantId = "", own = {}] = [...values][0] ?? [];
    const writing = Promise.all(
      Object.keys(own).map((name, n) => put(n % 2 === 0 ? old : both, tenantId, name, (own[name] = `written-${n}`))),
    );
    await Promise.all([rewrapSecrets(world.app, both, { batchSize: 3 }), rewrapSecrets(world.app, both), writing]);
    await rewrapSecrets(world.app, both);
    expect(await counts()).toEqual([[2, 40, 40]]);
    await expectValues(next, values);
  });

  it("leaves what does not open as it is, names it, and goes on with the rest", async () => {
    const [[tenantId = ""] = []] = await sealSome(3);
    await world.admin.query(
      "update keelson.secrets set nonce = decode(repeat('00', 12), 'hex') where tenant_id = $1 and name = 'S1'",
      [tenantId],
    );
    await world.admin.query("delete from keelson.replaced_secrets");
    const { rewrapped, spoilt, byKey } = await rewrapSecrets(world.app, both, { batchSize: 1 });
    expect({ rewrapped, spoilt }).toEqual({ rewrapped: 5, spoilt: [{ tenantId, name: "S1" }] });
    expect(byKey.map(({ keyVersion, secrets }) => [keyVersion, secrets])).toEqual([
      [1, 1],
      [2, 5],
    ]);
  });
});

describe("at a start", () => {
  it("keys that secrets are sealed under and that are not here are named, with how many there are", async () => {
    const tenantId = await world.tenant();
    await put(createSecretBox([third]), tenantId, "A", "x");
    await put(old, tenantId, "B", "x");
    const missing = await missingMasterKeys(world.worker, both);
    expect(missing).toMatchObject([{ keyVersion: 3, secrets: 1, replaced: 0 }]);
    expect(missing[0]?.error.message).toContain("master key 3, and KEELSON_MASTER_KEY has 2, 1 alone");
    expect(await missingMasterKeys(world.app, createSecretBox([first, third]))).toEqual([]);
  });

  it("another key under a known number is refused, before anything is sealed with it", async () => {
    await put(old, await world.tenant(), "A", "x");
    const refusal = /another key 1 than the one that secrets are sealed under.*`2:<new>,1:<old>`/;
    await expect(missingMasterKeys(world.worker, createSecretBox([key(1)]))).rejects.toThrow(refusal);
  });

  it("one row that is spoilt is not taken for another key", async () => {
    const tenantId = await world.tenant();
    for (const name of ["A", "B"]) await put(old, tenantId, name, "x");
    await world.admin.query("update keelson.secrets set ciphertext = '\\x00' where name = 'A'");
    expect(await missingMasterKeys(world.worker, old)).toEqual([]);
  });
});
