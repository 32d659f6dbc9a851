import { Capacity, CapacityQuery } from "@keelson/contracts";
import { operatorRoute } from "../../http/route.ts";
import { assessCapacity } from "../../ops/assess-capacity.ts";
import { readFacts } from "../../ops/facts.ts";

export const DEFAULT_MAX_AGE_SECONDS = 30;

export const getCapacity = operatorRoute({
  method: "get",
  path: "/v1/ops/capacity",
  answers: { 200: Capacity },
  doc: {
    operationId: "getCapacity",
    tag: "Operations",
    summary: "Assess whether the workers are enough",
    description:
      "How fast work comes and goes, what binds, when the backlog is gone, and how many workers would keep what is ready younger than `maxAgeSeconds`: those that, loaded to four fifths, end what arrives and work the present backlog off within that time. Reckoned with averages of the last 5 minutes.",
    refusals: [],
  },
  query: CapacityQuery,
  async handle({ query: { maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS }, deps }) {
    const { capacity } = await readFacts(deps.db);
    return { status: 200, body: assessCapacity(capacity, { maxAgeSeconds }) };
  },
});
