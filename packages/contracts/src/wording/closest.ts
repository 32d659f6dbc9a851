// 'Did you mean …': the nearest of a few names by edit distance.

/** Names longer than this are not compared. */
const MAX_CHARS = 64;

/** The candidate nearest to a misspelt name, or null if none is near: at most a third of the letters may differ. */
export function closest(name: string, candidates: Iterable<string>): string | null {
  if (name.length > MAX_CHARS) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > MAX_CHARS || Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** ` Did you mean "x"?`, or nothing. */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const near = closest(name, candidates);
  return near === null ? "" : ` Did you mean ${JSON.stringify(near)}?`;
}

/** Suggestions of one check: the first hundred, from the first few hundred names, so that a hostile document costs little. */
export function createSuggester(): typeof suggestion {
  let left = 100;
  return (name, candidates) => {
    left -= 1;
    return left < 0 ? "" : suggestion(name, [...candidates].slice(0, 400));
  };
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
