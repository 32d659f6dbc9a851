export { createAddressPolicy, type AddressPolicy, type AddressVerdict } from "./egress/addresses.ts";
export type { Lookup, ResolvedAddress } from "./egress/connector.ts";
export {
  BODY_TYPES,
  RESPONSE_MODES,
  type BodyType,
  type HttpAttempt,
  type HttpRequestInput,
  type HttpStepConfig,
  type PerformOptions,
  type RequestRecord,
  type ResponseMode,
  type ResponseRecord,
} from "./http/attempt.ts";
export { createHttpClient, type HttpClient, type HttpClientOptions } from "./http/client.ts";
export { buildHttpRequest, type BuiltRequest } from "./http/request.ts";
export { createRedactor } from "./redact.ts";
export { createStepKinds } from "./step-kinds.ts";
