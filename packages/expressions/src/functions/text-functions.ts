// Functions of strings. There are no regular expressions: a pattern is the text itself.
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";

export const TEXT_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    ["string"],
    "split(string, separator, limit?)",
    { summary: "The parts between the separators.", example: '"a,b".split(",")', result: '["a","b"]' },
    (call) => {
      const [text, separator] = [call.string(0), call.string(1)];
      const limit = call.integer(2, text.length + 1);
      if (limit < 0) call.fail("its limit is 0 at least");
      call.frame.spendText(text.length);
      call.frame.reserveItems(Math.min(limit, separator === "" ? text.length : occurrences(call, text, separator) + 1));
      return text.split(separator, limit);
    },
  ),
  change("trim(string)", "Without white space at both ends.", '" a ".trim()', '"a"', (text) => text.trim()),
  change("trimStart(string)", "Without white space before.", '" a ".trimStart()', '"a "', (text) => text.trimStart()),
  change("trimEnd(string)", "Without white space behind.", '" a ".trimEnd()', '" a"', (text) => text.trimEnd()),
  change("toLowerCase(string)", "In small letters.", '"Ab".toLowerCase()', '"ab"', (text) => text.toLowerCase()),
  change("toUpperCase(string)", "In capital letters.", '"Ab".toUpperCase()', '"AB"', (text) => text.toUpperCase()),
  define(
    ["string"],
    "startsWith(string, part)",
    { summary: "Whether it begins so.", example: '"order-1".startsWith("order-")', result: "true" },
    (call) => {
      call.frame.spendText(call.string(1).length);
      return call.string(0).startsWith(call.string(1));
    },
  ),
  define(
    ["string"],
    "endsWith(string, part)",
    { summary: "Whether it ends so.", example: '"a.pdf".endsWith(".pdf")', result: "true" },
    (call) => {
      call.frame.spendText(call.string(1).length);
      return call.string(0).endsWith(call.string(1));
    },
  ),
  define(
    ["string"],
    "substring(string, start, end?)",
    {
      summary: "From `start` to before `end`; below 0 counts as 0.",
      example: '"abcd".substring(1, 3)',
      result: '"bc"',
    },
    (call) => {
      const part = call.string(0).substring(call.integer(1), call.integer(2, call.string(0).length));
      call.frame.spendText(part.length);
      return part;
    },
  ),
  define(
    ["string"],
    "replace(string, part, by)",
    { summary: "The first occurrence replaced.", example: '"a-b-c".replace("-", "+")', result: '"a+b-c"' },
    (call) => {
      const [text, part, by] = [call.string(0), call.string(1), call.string(2)];
      call.frame.spendSearch(text.length, part.length);
      call.frame.reserveText(text.length + by.length);
      return text.replace(part, () => by);
    },
  ),
  define(
    ["string"],
    "replaceAll(string, part, by)",
    { summary: "Every occurrence replaced.", example: '"a-b-c".replaceAll("-", "+")', result: '"a+b+c"' },
    (call) => {
      const [text, part, by] = [call.string(0), call.string(1), call.string(2)];
      const count = part === "" ? text.length + 1 : occurrences(call, text, part);
      call.frame.reserveText(text.length + count * (by.length - part.length));
      call.frame.spend(count);
      return text.replaceAll(part, () => by);
    },
  ),
  define(
    ["string"],
    "padStart(string, length, pad?)",
    { summary: "Filled up at its begin.", example: '"7".padStart(3, "0")', result: '"007"' },
    (call) => {
      const [text, length, pad] = padding(call);
      return text.padStart(length, pad);
    },
  ),
  define(
    ["string"],
    "padEnd(string, length, pad?)",
    { summary: "Filled up at its end.", example: '"7".padEnd(3, ".")', result: '"7.."' },
    (call) => {
      const [text, length, pad] = padding(call);
      return text.padEnd(length, pad);
    },
  ),
  define(
    ["string"],
    "repeat(string, count)",
    { summary: "As often as `count` says.", example: '"ab".repeat(2)', result: '"abab"' },
    (call) => {
      const [text, count] = [call.string(0), call.integer(1)];
      if (count < 0) call.fail("its count is 0 at least");
      call.frame.reserveText(text.length * count);
      return text.repeat(count);
    },
  ),
];

/** A function that changes a string as a whole, to at most three times its length. */
function change(
  signature: string,
  summary: string,
  example: string,
  result: string,
  run: (text: string) => string,
): FunctionSpec {
  return define(["string"], signature, { summary, example, result }, (call) => {
    call.frame.spendText(call.string(0).length * 3);
    return run(call.string(0));
  });
}

function padding(call: Call): [string, number, string] {
  const [text, length] = [call.string(0), call.integer(1)];
  call.frame.reserveText(Math.max(length, text.length));
  return [text, length, call.string(2, " ")];
}

/** How often a part that is not empty occurs, one behind the other. */
function occurrences(call: Call, text: string, part: string): number {
  call.frame.spendSearch(text.length, part.length);
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) {
    call.frame.spend(1);
    count += 1;
  }
  return count;
}
