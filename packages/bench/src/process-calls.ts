// Calls into a process of one's own: what generates load and what receives it must not share a thread with what measures.
// A helper ends with whoever started it.
import { fork } from "node:child_process";
import { once } from "node:events";

type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** The handlers of a helper, as its starter sees them. */
export type Calls<H extends Handlers> = {
  readonly [name in keyof H]: (...argument: Parameters<H[name]>) => Promise<Awaited<ReturnType<H[name]>>>;
};

export interface Helper<H extends Handlers> {
  readonly pid: number;
  readonly calls: Calls<H>;
  readonly stop: () => Promise<void>;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** Starts `script`, which must `answerCalls`. A call rejects with the helper's error, or once the helper is gone. */
export async function startHelper<H extends Handlers>(script: string): Promise<Helper<H>> {
  const child = fork(script, { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  let next = 0;
  child.on("message", (message) => {
    const answer = message as Answer;
    const waiting = open.get(answer.id);
    open.delete(answer.id);
    if ("error" in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.value);
  });
  const gone = once(child, "exit").then(() => {
    for (const waiting of open.values()) waiting.reject(new Error(`${script} has ended`));
    open.clear();
  });
  await once(child, "spawn");
  const call = (name: string, argument: unknown): Promise<unknown> => {
    const waiting = Promise.withResolvers<unknown>();
    next += 1;
    open.set(next, waiting);
    child.send({ id: next, name, argument } satisfies Question, (error) => {
      if (error !== null) waiting.reject(error);
    });
    return waiting.promise;
  };
  return {
    pid: child.pid ?? 0,
    calls: new Proxy({}, { get: (_, name) => (argument: unknown) => call(String(name), argument) }) as Calls<H>,
    async stop() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** In the helper: answers calls by name until its starter is gone. A Ctrl-C is the starter's affair. */
export function answerCalls(handlers: Handlers): void {
  process.on("SIGINT", () => undefined);
  process.on("disconnect", () => process.exit(0));
  process.on("message", (message) => void answer(message as Question, handlers));
}

async function answer({ id, name, argument }: Question, handlers: Handlers): Promise<void> {
  const reply = (answer: Answer): void => void process.send?.(answer);
  try {
    const handler = handlers[name] as ((argument: unknown) => unknown) | undefined;
    if (handler === undefined) throw new Error(`No call ${name}; there are ${Object.keys(handlers).join(", ")}`);
    reply({ id, value: await handler(argument) });
  } catch (error) {
    reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
