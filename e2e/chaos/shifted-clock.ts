// Loaded into a service before all else (NODE_OPTIONS): its wall clock is off by what a file of its own says, as a host's
// clock may be. The file is looked at four times a second, so that a clock also jumps while work is under way.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const LOOK_EVERY_MS = 250;

const { WORKER_PORT, KEELSON_DATA_DIR } = process.env;
const TrueDate = globalThis.Date;
let offsetMs = 0;

const now = (): number => TrueDate.now() + offsetMs;

if (WORKER_PORT !== undefined && KEELSON_DATA_DIR !== undefined) {
  const file = join(KEELSON_DATA_DIR, `clock-${WORKER_PORT}`);
  const look = (): void => {
    try {
      offsetMs = Number(readFileSync(file, "utf8"));
    } catch {
      offsetMs = 0;
    }
  };
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
  globalThis.Date = new Proxy(TrueDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
    apply: () => new TrueDate(now()).toString(),
    get: (target, name, receiver) => (name === "now" ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
}
