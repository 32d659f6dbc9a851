/** Ends an exhaustive switch: a missing case is a compile error here, and at run time names what came. */
export function assertNever(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}
