import type { TraceContext } from "@keelson/contracts";
import type { ArrivedHeaders } from "@keelson/service-kit";

/** A webhook request as it arrived. */
export interface HookRequest {
  readonly hookId: string;
  readonly headers: ArrivedHeaders;
  readonly contentType: string | undefined;
  /** As it stands after the `?`, or empty. */
  readonly search: string;
  /** Byte by byte as they arrived. */
  readonly rawBody: Uint8Array;
  /** What its execution is to belong to. */
  readonly trace: TraceContext | null;
}
