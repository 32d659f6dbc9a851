// Generates load, in a process of its own: open loops at a rate, closed loops of some lanes, the burst of delays, bare http,
// and the baseline. Latencies are in ms.
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { measureBaseline } from "./baseline.ts";
import { monotonicMs } from "./clock.ts";
import { createLanes } from "./lanes.ts";
import { answerCalls } from "./process-calls.ts";
import { summarize, type Summary } from "./summary.ts";
import { createBook, createSender, hearNews, type Book, type Hook } from "./webhooks.ts";
import { payloadOf } from "./workflows.ts";

/** Connections of an open loop: it never waits for one. */
const OPEN_CONNECTIONS = 128;
/** What has been accepted and is not done when nothing has been done for so long is lost; ms. */
const LOST_AFTER_MS = 20_000;

export interface OpenLoop {
  readonly ack: Summary;
  readonly endToEnd: Summary;
  readonly accepted: number;
  readonly refused: number;
  /** Accepted and not done when the last one had been sent. */
  readonly unfinishedAtEnd: number;
  /** How late this process itself was at the worst in sending one: more than a few ms, and the machine was overloaded. */
  readonly sentLateMs: number;
}

export interface ClosedLoop {
  readonly ack: Summary;
  readonly endToEnd: Summary;
  /** Done, the tail included. */
  readonly done: number;
  /** Done a second, within the time asked for. */
  readonly perSecond: number;
}

export interface Burst {
  /** From a delay's due time to its POST at the target. */
  readonly lateness: Summary;
  readonly accepted: number;
  /** Accepted when it was due already: left out of `lateness`. */
  readonly loadedLate: number;
  readonly loadSeconds: number;
}

const book: Book = createBook();
const lanes = createLanes(book, unlessLost);

async function closedLoop(order: { hook: Hook; lanes: number; seconds: number; count?: number }): Promise<ClosedLoop> {
  const sender = createSender(order.hook, order.lanes, book);
  const acks: number[] = [];
  const ends: number[] = [];
  let inTime = 0;
  let left = order.count ?? Number.POSITIVE_INFINITY;
  const beganMs = monotonicMs();
  const endMs = beganMs + order.seconds * 1000;
  const lane = async (): Promise<void> => {
    while (monotonicMs() < endMs && left > 0) {
      left -= 1;
      const sent = await sender.send();
      acks.push(sent.ackMs);
      // A refusal is counted in the book; asked again at once it would be all that is measured.
      if (!sent.accepted) await sleep(50);
      else {
        const doneAt = await unlessLost(sent.done);
        if (doneAt === null) return;
        ends.push(doneAt - sent.sentAt);
        if (doneAt <= endMs) inTime += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: order.lanes }, lane));
  await sender.close();
  const tookMs = Math.min(monotonicMs(), endMs) - beganMs;
  return { ack: summarize(acks), endToEnd: summarize(ends), done: ends.length, perSecond: (inTime * 1000) / tookMs };
}

async function openLoop(order: { hook: Hook; perSecond: number; seconds: number }): Promise<OpenLoop> {
  const before = { accepted: book.accepted, refused: book.refused };
  const sender = createSender(order.hook, OPEN_CONNECTIONS, book);
  const acks: number[] = [];
  const ends: number[] = [];
  const open: Promise<void>[] = [];
  const total = Math.max(1, Math.round(order.perSecond * order.seconds));
  const beganMs = monotonicMs();
  let sentLateMs = 0;
  for (let n = 0; n < total; n += 1) {
    const dueMs = beganMs + (n * 1000) / order.perSecond;
    while (monotonicMs() < dueMs) await sleep(Math.max(0, dueMs - monotonicMs()));
    sentLateMs = Math.max(sentLateMs, monotonicMs() - dueMs);
    open.push(
      sender.send().then((sent) => {
        acks.push(sent.ackMs);
        if (sent.accepted) void sent.done.then((at) => ends.push(at - sent.sentAt));
      }),
    );
  }
  const unfinishedAtEnd = book.waiting.size;
  await Promise.all(open);
  await untilAllDone();
  await sender.close();
  const accepted = book.accepted - before.accepted;
  const refused = book.refused - before.refused;
  return { ack: summarize(acks), endToEnd: summarize(ends), accepted, refused, unfinishedAtEnd, sentLateMs };
}

/** Loads `count` delays that end within the ten seconds from `dueAt` (Unix ms) on. */
async function burst(order: {
  hook: Hook;
  count: number;
  lanes: number;
  dueAt: number;
  spreadMs: number;
}): Promise<Burst> {
  const sender = createSender(order.hook, order.lanes, book);
  const wallMinusMonotonic = Date.now() - monotonicMs();
  const lateness: number[] = [];
  let next = 0;
  let accepted = 0;
  let loadedLate = 0;
  const beganMs = monotonicMs();
  const lane = async (): Promise<void> => {
    while (next < order.count) {
      const dueAt = Math.round(order.dueAt + (next * order.spreadMs) / order.count);
      next += 1;
      const sent = await sender.send(new Date(dueAt).toISOString());
      if (!sent.accepted) continue;
      accepted += 1;
      if (sent.sentAt + sent.ackMs + wallMinusMonotonic >= dueAt) loadedLate += 1;
      else void sent.done.then((at) => lateness.push(at + wallMinusMonotonic - dueAt));
    }
  };
  await Promise.all(Array.from({ length: order.lanes }, lane));
  const loadSeconds = (monotonicMs() - beganMs) / 1000;
  await sleep(Math.max(0, order.dueAt + order.spreadMs - Date.now()));
  await untilAllDone();
  await sender.close();
  return { lateness: summarize(lateness), accepted, loadedLate, loadSeconds };
}

/** Round trips of one connection to the target, one after the other, with the body of a webhook. */
async function bareHttp({ url, count }: { url: string; count: number }): Promise<Summary> {
  const pool = new Pool(url, { connections: 1 });
  const body = payloadOf("bare");
  const samples: number[] = [];
  for (let n = 0; n < count * 2; n += 1) {
    const beganMs = monotonicMs();
    const response = await pool.request({
      path: "/bare",
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    await response.body.text();
    // The first half warms up.
    if (n >= count) samples.push(monotonicMs() - beganMs);
  }
  await pool.destroy();
  return summarize(samples);
}

async function untilAllDone(): Promise<void> {
  let open = book.waiting.size;
  let changedMs = monotonicMs();
  while (book.waiting.size > 0 && monotonicMs() - changedMs < LOST_AFTER_MS) {
    await sleep(20);
    if (book.waiting.size !== open) changedMs = monotonicMs();
    open = book.waiting.size;
  }
}

async function unlessLost(done: Promise<number>): Promise<number | null> {
  const given = new AbortController();
  const lost = sleep(LOST_AFTER_MS, null, { signal: given.signal }).catch(() => null);
  const doneAt = await Promise.race([done, lost]);
  given.abort();
  return doneAt;
}

const handlers = {
  hearNews: (port: number) => hearNews(port, book),
  closedLoop,
  openLoop,
  burst,
  bareHttp,
  startLanes: lanes.start,
  stopLanes: lanes.stop,
  measureBaseline,
  /** Since the last one: what was accepted, under how many ids, refused with which words, and never done. */
  tally() {
    const { accepted, refused, executionIds, waiting } = book;
    const tally = {
      accepted,
      executionIds: executionIds.size,
      refused,
      refusals: [...book.refusals],
      undone: waiting.size,
    };
    Object.assign(book, { accepted: 0, refused: 0 });
    for (const collection of [executionIds, waiting, book.refusals]) collection.clear();
    return tally;
  },
};
export type LoadCalls = typeof handlers;

answerCalls(handlers);
