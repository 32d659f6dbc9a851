// What a script tells people, on stderr: stdout is for what was asked for.
import { styleText } from "node:util";

export interface Report {
  /** One line; never kept back. */
  readonly line: (text: string) => void;
  /** Does the work, shows what is being done on a terminal and how long it took; nothing in CI. */
  readonly stage: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

export function createReport(stream: NodeJS.WriteStream = process.stderr): Report {
  const isQuiet = (process.env["CI"] ?? "") !== "";
  let unfinished: string | undefined;
  const write = (text: string): void => {
    stream.write(`${unfinished === undefined ? "" : "\n"}${text}\n`);
    unfinished = undefined;
  };
  return {
    line: write,
    async stage(name, work) {
      const beganMs = performance.now();
      if (!isQuiet && stream.isTTY) {
        unfinished = name;
        stream.write(`${name} …`);
      }
      const result = await work();
      if (!isQuiet) {
        const took = styleText("dim", `${((performance.now() - beganMs) / 1000).toFixed(1)} s`, { stream });
        stream.write(`${unfinished === name ? "\r" : ""}${name}: ${took}\n`);
        unfinished = undefined;
      }
      return result;
    },
  };
}

/** The sentence of an error meant for people; its trace only where it is a defect of ours. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isOurs = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return isOurs ? (error.stack ?? error.message) : error.message;
}
