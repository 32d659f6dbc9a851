// Webhooks: delivery, repeat key and execution are one commit, after which nothing can lose them (I6).
import type { Json } from "@keelson/contracts";
import type { Database, HotQuery } from "./database.ts";
import { createGrouping } from "./grouping.ts";
import type { ExecutionStart, VerdictRow } from "./starts.ts";

const ACCEPT: HotQuery = {
  name: "deliveries_accept",
  text: "select * from keelson.deliveries_accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
};
const REJECT: HotQuery = { name: "delivery_reject", text: "select keelson.delivery_reject($1, $2, $3, $4)" };

/** Bodies that one commit carries, unless one alone is longer. */
const GROUP_BYTES = 1024 * 1024;

export interface DeliveryRecord {
  readonly id: string;
  readonly hookId: string;
  readonly workflowId: string;
  readonly repeatKey: string | null;
  readonly headers: Json;
  readonly query: Json;
  readonly contentType: string | null;
  readonly redeliveryOf?: string;
}

export interface DeliveryRequest {
  readonly tenantId: string;
  readonly delivery: DeliveryRecord;
  readonly body: Uint8Array;
  readonly start: ExecutionStart;
  /** The tenant's limit; null: none. */
  readonly maxUnfinished: number | null;
}

/** `stale`: the start names a version that is no longer the latest, whose settings hold from the save on. */
export type DeliveryVerdict =
  | { readonly kind: "accepted"; readonly executionId: string; readonly held: boolean }
  | { readonly kind: "duplicate"; readonly executionId: string }
  | { readonly kind: "archived" | "unknown" | "stale" | "full" };

/** Takes one webhook. */
export async function deliveryAccept(db: Database, request: DeliveryRequest): Promise<DeliveryVerdict> {
  const [verdict] = await deliveriesAccept(db, [request]);
  if (verdict === undefined) throw new Error("PostgreSQL gave no verdict on a delivery");
  return verdict;
}

/** Takes webhooks; those of one tenant that come while a commit is under way share the next one. */
export function createDeliveryAcceptor(db: Database): (request: DeliveryRequest) => Promise<DeliveryVerdict> {
  const grouping = createGrouping<DeliveryRequest, DeliveryVerdict>({
    keyOf: ({ tenantId, maxUnfinished }) => `${tenantId} ${maxUnfinished}`,
    call: (requests) => deliveriesAccept(db, requests),
    bytesOf: ({ body }) => body.length,
    maxBytes: GROUP_BYTES,
  });
  return grouping.add;
}

/** 1 … 64 of one tenant, under one limit. */
async function deliveriesAccept(db: Database, requests: readonly DeliveryRequest[]): Promise<DeliveryVerdict[]> {
  const [first] = requests;
  if (first === undefined) return [];
  const deliveries = requests.map(({ delivery }) => delivery);
  const starts = requests.map(({ start }) => start);
  const rows = await db.call<VerdictRow<DeliveryVerdict["kind"]>>(ACCEPT, [
    first.tenantId,
    first.maxUnfinished,
    deliveries.map(({ workflowId }) => workflowId),
    starts.map(({ versionId }) => versionId),
    deliveries.map(({ hookId }) => hookId),
    deliveries.map(({ repeatKey }) => repeatKey),
    starts.map(({ executionId }) => executionId),
    JSON.stringify(deliveries.map((delivery, index) => ({ n: index + 1, ...delivery }))),
    requests.map(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.byteLength)),
    JSON.stringify(starts),
  ]);
  return rows.map(verdictOf);
}

function verdictOf({ verdict, execution_id, held }: VerdictRow<DeliveryVerdict["kind"]>): DeliveryVerdict {
  if (verdict === "accepted") return { kind: "accepted", executionId: execution_id ?? "", held: held ?? false };
  if (verdict === "duplicate") return { kind: "duplicate", executionId: execution_id ?? "" };
  return { kind: verdict };
}

/** Keeps a refused delivery with its reason; the caller bounds how many a minute. */
export async function deliveryReject(
  db: Database,
  request: {
    readonly tenantId: string;
    readonly delivery: DeliveryRecord;
    readonly body: Uint8Array;
    readonly reason: Json;
  },
): Promise<void> {
  const { tenantId, delivery, body, reason } = request;
  await db.call(REJECT, [tenantId, JSON.stringify(delivery), Buffer.from(body), JSON.stringify(reason)]);
}
