// The workloads, as documents. Each is started by the same signed webhook of about a kilobyte. A POST to `/end` says that an
// execution is done; `ref` in its body says which.

export type WorkloadName = "W1" | "W2" | "W3" | "W4" | "W5";
export const WORKLOADS: readonly WorkloadName[] = ["W1", "W2", "W3", "W4", "W5"];

export interface Workload {
  readonly name: WorkloadName;
  readonly what: string;
  /** Saved in this order; the last one has the webhook. */
  readonly documents: (targetUrl: string) => readonly { readonly name: string }[];
  /** Executions of one webhook, children included. */
  readonly executions: number;
  /** Steps that one webhook makes run, children's included. */
  readonly steps: number;
  /** POSTs of one webhook at the target. */
  readonly posts: number;
  /** … of these to `/end`: when the last has come, it is done. */
  readonly ends: number;
}

const CHAIN = 12;
const FAN = 20;
const CHILDREN = 10;

export const HOOK_SECRET = "BENCH_HOOK";
const TRIGGERS = [{ id: "hook", type: "webhook", signature: { scheme: "standard", secrets: [HOOK_SECRET] } }];

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  W1: {
    name: "W1",
    what: "transform, condition, POST",
    documents: (url) => [{ name: "bench-w1", triggers: TRIGGERS, steps: orderSteps(url) }],
    executions: 1,
    steps: 3,
    posts: 1,
    ends: 1,
  },
  W2: {
    name: "W2",
    what: `${CHAIN} transforms in a chain, POST`,
    documents: (url) => [{ name: "bench-w2", triggers: TRIGGERS, steps: chainSteps(url) }],
    executions: 1,
    steps: CHAIN + 1,
    posts: 1,
    ends: 1,
  },
  W3: {
    name: "W3",
    what: `${FAN} POSTs in parallel, join, POST`,
    documents: (url) => [{ name: "bench-w3", triggers: TRIGGERS, steps: fanSteps(url) }],
    executions: 1,
    steps: FAN + 2,
    posts: FAN + 1,
    ends: 1,
  },
  W4: {
    name: "W4",
    what: "a delay until a given time, POST",
    documents: (url) => [{ name: "bench-w4", triggers: TRIGGERS, steps: delaySteps(url) }],
    executions: 1,
    steps: 2,
    posts: 1,
    ends: 1,
  },
  W5: {
    name: "W5",
    what: `a parent of ${CHILDREN} W1 in parallel`,
    documents: (url) => [
      { name: "bench-w5-child", steps: orderSteps(url) },
      { name: "bench-w5", triggers: TRIGGERS, steps: parentSteps() },
    ],
    executions: 1 + CHILDREN,
    steps: CHILDREN + CHILDREN * 3,
    posts: CHILDREN,
    ends: CHILDREN,
  },
};

/** The body of a webhook: about 1,000 bytes; `until` is for W4. */
export function payloadOf(ref: string, until?: string): string {
  return JSON.stringify({ ref, ...(until === undefined ? {} : { until }), ...ORDER });
}

const ORDER = {
  amount: 249.9,
  currency: "EUR",
  customer: { id: "cus_8f2a61", email: "ada@example.com", name: "Ada Lovelace", country: "GB", since: "2021-04-01" },
  items: Array.from({ length: 6 }, (_, n) => ({
    sku: `SKU-${10_000 + n}`,
    title: `Item number ${n}`,
    quantity: n + 1,
    price: 19.95,
  })),
  shipping: { street: "12 St James's Square", city: "London", postcode: "SW1Y 4JH" },
  note: "Please leave the parcel with the neighbour if nobody answers the door, and ring twice. ".repeat(3),
};

function post(id: string, url: string, dependsOn: readonly string[], body: object): object {
  return { id, type: "http", dependsOn, config: { method: "POST", url, body } };
}

function orderSteps(url: string): object[] {
  return [
    {
      id: "shape",
      type: "transform",
      config: {
        output: {
          ref: "{{ input.ref }}",
          total: "{{ round(input.amount * 1.19, 2) }}",
          to: "{{ input.customer.email }}",
        },
      },
    },
    { id: "big", type: "condition", dependsOn: ["shape"], config: { if: "input.amount > 100" } },
    post("post", `${url}/end`, ["big:true"], {
      ref: "{{ steps.shape.output.ref }}",
      total: "{{ steps.shape.output.total }}",
    }),
  ];
}

function chainSteps(url: string): object[] {
  const chain = Array.from({ length: CHAIN }, (_, n) => ({
    id: `t${n}`,
    type: "transform",
    ...(n === 0 ? {} : { dependsOn: [`t${n - 1}`] }),
    config: {
      output: {
        ref: n === 0 ? "{{ input.ref }}" : `{{ steps.t${n - 1}.output.ref }}`,
        total: n === 0 ? "{{ input.amount }}" : `{{ steps.t${n - 1}.output.total + ${n} }}`,
      },
    },
  }));
  const last = `t${CHAIN - 1}`;
  return [
    ...chain,
    post("post", `${url}/end`, [last], {
      ref: `{{ steps.${last}.output.ref }}`,
      total: `{{ steps.${last}.output.total }}`,
    }),
  ];
}

function fanSteps(url: string): object[] {
  const ids = Array.from({ length: FAN }, (_, n) => `p${n}`);
  const statuses = ids.map((id) => `{{ steps.${id}.output.status }}`);
  return [
    ...ids.map((id, n) => post(id, `${url}/part`, [], { ref: "{{ input.ref }}", n })),
    { id: "join", type: "transform", dependsOn: ids, config: { output: { statuses } } },
    post("post", `${url}/end`, ["join"], { ref: "{{ input.ref }}", statuses: "{{ steps.join.output.statuses }}" }),
  ];
}

function delaySteps(url: string): object[] {
  return [
    { id: "wait", type: "delay", config: { until: "{{ input.until }}" } },
    post("post", `${url}/end`, ["wait"], { ref: "{{ input.ref }}" }),
  ];
}

function parentSteps(): object[] {
  return Array.from({ length: CHILDREN }, (_, n) => ({
    id: `child${n}`,
    type: "subworkflow",
    config: { workflow: "bench-w5-child", input: "{{ input }}" },
  }));
}
