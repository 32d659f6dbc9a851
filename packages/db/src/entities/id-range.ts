// A span of time as a range of ids, which are UUIDv7. Ids are made by the services' clocks, before their row is inserted;
// the row's own time is PostgreSQL's and decides: the range is somewhat wider, and what is within it must be asked still.

/** How long after its id a row may be inserted, and how far a service's clock may be behind PostgreSQL's; ms. */
const INSERTED_LATER_MS = 60_000;
/** How far a service's clock may be ahead of PostgreSQL's; ms. A list until some time begins by passing over as much. */
const CLOCK_AHEAD_MS = 10_000;

const FIRST_ID = "00000000-0000-0000-0000-000000000000";
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** From `from` up to but not including `to`, which is `before` where that is earlier. */
export function idRange(
  span: { readonly since?: Date | undefined; readonly until?: Date | undefined },
  before: string | null,
): { readonly from: string; readonly to: string } {
  const from = span.since === undefined ? FIRST_ID : idAt(span.since.getTime() - INSERTED_LATER_MS);
  const to = span.until === undefined ? LAST_ID : idAt(span.until.getTime() + CLOCK_AHEAD_MS);
  return { from, to: before !== null && before < to ? before : to };
}

/** The lowest UUIDv7 of a moment; epoch ms. */
function idAt(atMs: number): string {
  const hex = Math.max(0, Math.min(atMs, 0xffffffffffff)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
