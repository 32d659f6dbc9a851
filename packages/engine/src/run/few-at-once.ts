// Lets a few do what takes memory, the rest wait in line. A worker's large commits go through one: what a commit carries is
// in memory several times while it is sent, and hundreds of executions may have a large one at the same time.

export interface FewAtOnce {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createFewAtOnce(most: number): FewAtOnce {
  const line: (() => void)[] = [];
  let running = 0;
  return {
    async run(work) {
      if (running >= most) await new Promise<void>((begin) => line.push(begin));
      else running += 1;
      try {
        return await work();
      } finally {
        const next = line.shift();
        // Whoever is next takes this one's place.
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
