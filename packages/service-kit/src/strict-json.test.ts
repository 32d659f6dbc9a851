import { describe, expect, it } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const parse = (text: string) => parseStrictJson(Buffer.from(text, "utf8"));
const problem = (text: string) => {
  const parsed = parse(text);
  return parsed.ok ? null : parsed.problem;
};

describe("parseStrictJson", () => {
  it.each([
    "null",
    " true ",
    "-0.5e+3",
    '""',
    '"\\u00e9\\ud83d\\ude00 ♥ \\n\\/"',
    "[]",
    "[1,[2,{}],\t3]",
    '{"a":{"a":1},"b":[{"a":1}]}',
    '{"":0,"toString":1,"prototype":2}',
    "1e308",
    "5e-999",
  ])("gives what JSON.parse gives: %s", (text) => {
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });

  it("names line and column of what is malformed", () => {
    expect(problem('{\n  "a": 1,\n  b: 2\n}')).toBe("A key in double quotes is expected. (line 3, column 3)");
    expect(problem('{"a":1,}')).toBe("A key in double quotes is expected. (line 1, column 8)");
    expect(problem('{"a":')).toBe("The text ends too early. (line 1, column 6)");
    expect(problem("")).toBe("The text ends too early. (line 1, column 1)");
    expect(problem("[1 2]")).toBe("A comma or the array's end is expected. (line 1, column 4)");
    expect(problem("{} x")).toBe("There is more after the end of the value. (line 1, column 4)");
    expect(problem('["a\nb"]')).toBe("A control character in a string must be escaped. (line 1, column 4)");
  });

  it("refuses nesting deeper than 128, however deep, and takes 128", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(problem(nested(128))).toBeNull();
    expect(problem(nested(129))).toContain("128 levels");
    expect(problem("[".repeat(500_000))).toContain("128 levels");
    expect(problem('{"a":'.repeat(500_000))).toContain("128 levels");
  });

  it("refuses a key that occurs twice, also when one of them is written with escapes", () => {
    expect(problem('{"a":1,"b":2,"a":3}')).toBe("The key occurs twice in its object. (line 1, column 14)");
    expect(problem('{"a":1,"\\u0061":3}')).toContain("twice");
  });

  it("refuses keys that a merge could take for a prototype", () => {
    expect(problem('{"a":{"__proto__":{}}}')).toContain('"__proto__" is not allowed');
    expect(problem('{"\\u005f_proto__":1}')).toContain('"__proto__" is not allowed');
    expect(problem('{"constructor":1}')).toContain('"constructor" is not allowed');
    const bytes = Buffer.from('{"constructor":1}');
    expect(parseStrictJson(bytes, { forbiddenKeys: new Set(["__proto__"]) }).ok).toBe(true);
  });

  it("refuses strings that PostgreSQL cannot store, as values and as keys", () => {
    expect(problem('["a\\u0000"]')).toContain("NUL");
    expect(problem('{"\\u0000":1}')).toContain("NUL");
    expect(problem('["\\ud83d"]')).toContain("surrogate");
    expect(problem('["\\ude00\\ud83d"]')).toContain("surrogate");
  });

  it("refuses numbers that would become infinite", () => {
    expect(problem("1e999")).toContain("too large");
    expect(problem("9".repeat(400))).toContain("too large");
  });

  it("refuses bytes that are not UTF-8, and skips a byte order mark", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc3, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xff, 0xfe, 0x31, 0],
    ]) {
      expect(parseStrictJson(Uint8Array.from(bytes))).toMatchObject({ ok: false, problem: "The body is not UTF-8." });
    }
    expect(parseStrictJson(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31]))).toEqual({ ok: true, value: 1 });
  });

  it("accepts and refuses what JSON.parse does, infinite numbers aside, over texts changed at random places", () => {
    const seed = '{"k":[1,-2.5e3,"x\\n\\u0041",true,false,null,{"m":{}}],"n":""}';
    const alphabet = '{}[]",:\\u0n1.-+eEtruflas /\t\n\u0001é';
    const random = seeded(20_251_122);
    const pick = (length: number) => Math.floor(random() * length);
    for (let round = 0; round < 20_000; round++) {
      let text = seed;
      for (let change = pick(3); change >= 0; change--) {
        const at = pick(text.length);
        text = text.slice(0, at) + (random() < 0.7 ? alphabet[pick(alphabet.length)] : "") + text.slice(at + pick(2));
      }
      const found = problem(text);
      // Beyond the grammar: these have tests of their own.
      if (found !== null && /twice|NUL|surrogate/.test(found)) continue;
      expect({ text, accepted: found === null }).toEqual({ text, accepted: accepts(text) });
    }
  });
});

function accepts(text: string): boolean {
  try {
    JSON.parse(text, (_key, value: unknown) => {
      if (value === Infinity || value === -Infinity) throw new RangeError("infinite");
      return value;
    });
    return true;
  } catch {
    return false;
  }
}

/** Numbers in [0, 1), the same on every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
