// What a mutation is: one guard taken out of the sources, and the tests that must notice.

export interface Mutation {
  /** Short, for `--only` and the tables; no other has it. */
  readonly name: string;
  /** What the sources no longer do; ends the sentence "it …". */
  readonly breaks: string;
  /** From the root of the checkout. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Each of them fails on the mutated tree, and passes on the tree as it is. */
  readonly caughtBy: readonly NamedTest[];
}

export interface NamedTest {
  readonly file: string;
  /** As it stands in the source, with the placeholders of `it.each` and template literals. */
  readonly title: string;
  /** Where it stands, if not in `file`: cases that several stores are held to. */
  readonly titledIn?: string;
}

/** The text to take away is not there, or is there more than once. */
export class TextNotFound extends Error {
  override readonly name = "TextNotFound";
}

/** The mutated file. @throws TextNotFound */
export function mutated(mutation: Mutation, source: string): string {
  const times = source.split(mutation.find).length - 1;
  if (times === 1) return source.replace(mutation.find, () => mutation.replace);
  throw new TextNotFound(
    `${mutation.name}: the text to find stands ${times} times in ${mutation.file}, and must stand there once. ` +
      "Set `find` in scripts/mutations to what the file says now.",
  );
}

/** Whether a test of this title is in the source. */
export function isTitled(source: string, title: string): boolean {
  return [JSON.stringify(title), `'${title}'`, `\`${title}\``].some((literal) => source.includes(`${literal},`));
}

const PLACEHOLDERS = /%[sdifjo#]|\$\{\w+\}|\$\w+/g;

/** What the titles of a test are like once its placeholders are filled in; to stand at the end of a full name. */
export function patternOf(title: string): string {
  const parts = title.split(PLACEHOLDERS);
  return `${parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join(".*")}$`;
}
