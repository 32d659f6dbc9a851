// What PostgreSQL's refusals mean for the one who asked: try again, or never.

/**
 * Shutting down, starting up, gone; out of connections, memory or room on the disk, or the disk gives errors; a server that
 * takes no writes; and the conflicts that a second try settles.
 */
const TRANSIENT_STATES = /^(08|57P0[123]|53|58030|40001|40P01|55P03|57014|25006)/;
/** The data is at fault: it would fail again for ever (T9). 54: too deep or too large a value. */
const DATA_STATES = /^(22|23|21|54)/;

/** The statement may work another time: PostgreSQL is away, or was busy. Whether it was carried out is unknown. */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  return state === null ? isConnectionLoss(error) : TRANSIENT_STATES.test(state);
}

/** PostgreSQL refuses the values themselves; or they are too deep or too long to be written as JSON at all (RangeError). */
export function isBadData(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  const state = sqlState(error);
  return state !== null && DATA_STATES.test(state);
}

function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  const wrapped = stateWithin(error);
  if (wrapped !== null) return wrapped;
  // EPIPE, a socket's, and Prisma's codes have five characters as well.
  return /^[0-9A-Z]{5}$/.test(error.code) && !/^(E[A-Z]{4}|P[1-6]\d{3})$/.test(error.code) ? error.code : null;
}

/** Prisma throws what it has no code of its own for as P2010 or P2039, with the state at `meta.driverAdapterError.cause`. */
function stateWithin(error: Error): string | null {
  if (!("meta" in error) || !isRecord(error.meta)) return null;
  const driverAdapterError = error.meta["driverAdapterError"];
  if (!isRecord(driverAdapterError) || !isRecord(driverAdapterError["cause"])) return null;
  const originalCode = driverAdapterError["cause"]["originalCode"];
  return typeof originalCode === "string" && /^[0-9A-Z]{5}$/.test(originalCode) ? originalCode : null;
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}

/** Without a state of SQL's, what pg, the socket and Prisma say. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET|P1001|P1002|P1008|P1017|P2024|P2028|P2037)/.test(code) ||
    /connection|timeout|\bterminat|not queryable/i.test(error.message)
  );
}
