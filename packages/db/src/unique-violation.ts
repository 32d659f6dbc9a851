// Whether Prisma was refused for a value that is taken.

import { Prisma } from "./generated/client.ts";

const UNIQUE_VIOLATION = "23505";

/** Of a model's call, or of raw SQL. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  return error.code === "P2002" || (error.code === "P2010" && error.message.includes(`\`${UNIQUE_VIOLATION}\``));
}
