// Whether an error says that PostgreSQL cannot be reached or cannot take work now, rather than that a statement is wrong.
// pg gives some of these no code: their messages are listed literally.

const CODES = new Set([
  // sockets
  ..."ECONNREFUSED ECONNRESET ETIMEDOUT EPIPE ENOTFOUND EAI_AGAIN EHOSTUNREACH ENOENT".split(" "),
  // PostgreSQL: shut down, crashed, starting; cancelled by a time-out; a standby takes no writes; its disk gives errors
  ..."57P01 57P02 57P03 57014 25006 58030".split(" "),
  // the conflicts that another try settles: serialization, deadlock, a lock that was not to be had
  ..."40001 40P01 55P03".split(" "),
  // Prisma: unreachable, timed out, connection closed, no free connection, no transaction in time, a conflict
  ..."P1001 P1002 P1008 P1017 P2024 P2028 P2034 P2037".split(" "),
]);

const CODELESS_MESSAGES = new Set([
  "timeout expired",
  "timeout exceeded when trying to connect",
  "Connection terminated",
  "Connection terminated unexpectedly",
  "Connection terminated due to connection timeout",
  "Query read timeout",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
]);

const DRIVER_ADAPTER_KINDS = new Set([
  "DatabaseNotReachable",
  "ConnectionClosed",
  "SocketTimeout",
  "TooManyConnections",
]);

const MAX_CAUSES = 5;

/** True if the error, one of its causes or one of an AggregateError's parts is of that kind. */
export function isDatabaseUnreachable(error: unknown, depth = 0): boolean {
  if (depth > MAX_CAUSES || typeof error !== "object" || error === null) return false;
  if ("code" in error && typeof error.code === "string" && isUnreachableCode(error, error.code)) return true;
  // Prisma keeps what it has no code of its own for in `meta.driverAdapterError.cause.originalCode`.
  if ("originalCode" in error && typeof error.originalCode === "string" && isUnreachableCode(error, error.originalCode))
    return true;
  if ("meta" in error && isDatabaseUnreachable(error.meta, depth + 1)) return true;
  if ("driverAdapterError" in error && isDatabaseUnreachable(error.driverAdapterError, depth + 1)) return true;
  if ("kind" in error && typeof error.kind === "string" && DRIVER_ADAPTER_KINDS.has(error.kind)) return true;
  if (error instanceof Error && CODELESS_MESSAGES.has(error.message)) return true;
  if (error instanceof AggregateError && error.errors.some((part) => isDatabaseUnreachable(part, depth + 1)))
    return true;
  return "cause" in error && isDatabaseUnreachable(error.cause, depth + 1);
}

function isUnreachableCode(error: object, code: string): boolean {
  // A missing file has ENOENT too; a missing socket is found by `connect`.
  if (code === "ENOENT") return "syscall" in error && error.syscall === "connect";
  // Classes of SQLSTATE. 08: connection exceptions. 53: no room on the disk, in memory or for another connection.
  return CODES.has(code) || /^(08|53)[0-9A-Z]{3}$/.test(code);
}
