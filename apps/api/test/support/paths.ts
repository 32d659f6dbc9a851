const ID = "0192aaaa-0000-7000-8000-000000000001";

/** A path as declared, with parameters that are well formed and name nothing. */
export function withIds(path: string): string {
  return path
    .replace(/:name\b/, "NAME")
    .replace(/:n\b/, "1")
    .replace(/:stepId\b/, "step")
    .replaceAll(/:\w+/g, ID);
}
