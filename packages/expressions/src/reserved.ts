// The words and marks of JavaScript that the language does without, each with what is said of it.

const STATEMENT = "Statements are not part of the language: an expression is one value.";
const ASSIGNMENT = "Nothing can be assigned: an expression only reads. Compare with ==.";
const BITWISE =
  "Operators on bits are not part of the language: or is ||, and is &&, and a function is called as x.f(), not as x | f.";

const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ...words("typeof", "typeof is not part of the language: use type(x)."),
  ...words("void delete new await yield", "This operator is not part of the language."),
  ...words("instanceof", "instanceof is not part of the language: use type(x)."),
  ...words("this super", "There is no object to name here: begin with input, trigger, steps or execution."),
  ...words("function class", "Functions cannot be defined: use arrows as arguments, as in items.map(i => i.id)."),
  ...words("import export", "Nothing can be imported."),
  ...words("var let const if else for while do switch case default break continue return throw try catch", STATEMENT),
  ...words("finally with debugger enum ;", STATEMENT),
  ...words("= += -= *= /= %= **= <<= >>= >>>= &= |= ^= &&= ||= ??= ++ --", ASSIGNMENT),
  ...words("& | ^ ~ << >> >>>", BITWISE),
  ...words("...", "Spreading is not part of the language: use concat(a, b) or merge(a, b)."),
  ...words("\\", "Escapes in names are not part of the language."),
]);

const RESERVED = new Set(["in", "static", "implements", "interface", "package", "private", "protected", "public"]);
const LITERALS = new Set(["true", "false", "null"]);

/** Why JavaScript's `text` is refused, or undefined where it is no JavaScript either. */
export function forbiddenReason(text: string): string | undefined {
  return FORBIDDEN.get(text);
}

/** Words that no value can have for a name; `true`, `false` and `null` are values, so they are not among them. */
export function isReserved(word: string): boolean {
  return RESERVED.has(word) || FORBIDDEN.has(word);
}

const WORD_OPERATORS: ReadonlyMap<string, string> = new Map([
  ["and", "&&"],
  ["or", "||"],
  ["is", "=="],
  ["eq", "=="],
  ["ne", "!="],
  ["gt", ">"],
  ["lt", "<"],
  ["gte", ">="],
  ["lte", "<="],
  ["mod", "%"],
]);

/** ` Write && for and.`, where other languages have a word for an operator. */
export function wordHint(text: string): string {
  const sign = WORD_OPERATORS.get(text.toLowerCase());
  return sign === undefined ? "" : ` Write ${sign} for ${text}.`;
}

export function isLiteralWord(word: string): boolean {
  return LITERALS.has(word);
}

function words(list: string, reason: string): [string, string][] {
  return list.split(" ").map((word) => [word, reason]);
}
