// Where services' compiled code is kept, the same place as `npm start` has: they start, and start again, in half the time.
import { join } from "node:path";

export const COMPILE_CACHE =
  process.env["NODE_COMPILE_CACHE"] ?? join(import.meta.dirname, "../../.tools/compile-cache");
