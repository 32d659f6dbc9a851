// Many callers, few statements: what waits while a call is under way shares the next one, a lane for each key.
//  G1. What is asked for in one turn of the event loop goes out together.
//  G2. Bad data fails its own item alone: the group's members are tried singly (T9).
import { isBadData } from "./connection-errors.ts";

const MAX_GROUP = 64;
/** Calls of one lane under way at once; a second only for what makes a large group of its own. */
const MAX_CALLS = 2;
const LARGE_GROUP = 24;

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly bytes: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane<Item, Answer> {
  waiting: Waiting<Item, Answer>[];
  calls: number;
}

export interface Grouping<Item, Answer> {
  /** Rejects as the item's call does. */
  add(item: Item): Promise<Answer>;
}

export function createGrouping<Item, Answer>(deps: {
  /** Items of one key may share a call. */
  readonly keyOf: (item: Item) => string;
  /** Answers in the order of the items, of which there are 1 … 64. */
  readonly call: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** What one weighs, and how much a call may carry unless one alone is heavier. Default: any. */
  readonly bytesOf?: (item: Item) => number;
  readonly maxBytes?: number;
}): Grouping<Item, Answer> {
  const { keyOf, call, bytesOf = () => 0, maxBytes = Number.POSITIVE_INFINITY } = deps;
  const lanes = new Map<string, Lane<Item, Answer>>();

  async function work(key: string, lane: Lane<Item, Answer>): Promise<void> {
    lane.calls += 1;
    while (lane.waiting.length > 0) await callFor(take(lane));
    lane.calls -= 1;
    if (lane.calls === 0) lanes.delete(key);
  }

  function take(lane: Lane<Item, Answer>): Waiting<Item, Answer>[] {
    let bytes = 0;
    let count = 0;
    for (const one of lane.waiting) {
      bytes += one.bytes;
      if (count === MAX_GROUP || (count > 0 && bytes > maxBytes)) break;
      count += 1;
    }
    return lane.waiting.splice(0, count);
  }

  async function callFor(group: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await call(group.map((one) => one.item));
      group.forEach((one, index) => {
        const answer = answers[index];
        if (answer === undefined) one.reject(new Error("PostgreSQL gave no answer for an item of a group"));
        else one.resolve(answer);
      });
    } catch (error) {
      if (!isBadData(error) || group.length === 1) for (const one of group) one.reject(error);
      else for (const one of group) await callFor([one]);
    }
  }

  return {
    add(item) {
      const key = keyOf(item);
      const lane = lanes.get(key) ?? { waiting: [], calls: 0 };
      lanes.set(key, lane);
      return new Promise((resolve, reject) => {
        lane.waiting.push({ item, bytes: bytesOf(item), resolve, reject });
        if (lane.calls === 0 && lane.waiting.length === 1) setImmediate(() => void work(key, lane));
        else if (lane.calls > 0 && lane.calls < MAX_CALLS && lane.waiting.length >= LARGE_GROUP) void work(key, lane);
      });
    },
  };
}
