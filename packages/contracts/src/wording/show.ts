// How messages show values and lists: short, whatever their size.

const SHOWN_CHARS = 60;

/** A value as a message shows it, cut after 60 characters; of lists and objects the kind alone. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= SHOWN_CHARS ? JSON.stringify(value) : `${JSON.stringify(value.slice(0, SHOWN_CHARS))}…`;
  }
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "number" || typeof value === "boolean" || value === null ? `${value}` : `a ${typeof value}`;
}

/** A list as a sentence has it, cut after ten: `a, b and c`. */
export function list(names: readonly string[]): string {
  const shown = names.length > 10 ? [...names.slice(0, 9), `${names.length - 9} more`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}
