/** A registry that hands a step to another type's code is a bug of ours. */
export function wrongStep(expected: string, compiled: { readonly type: string }): Error {
  return new Error(`A step of type '${compiled.type}' reached the code of '${expected}'`);
}
