// Sends requests as producers do: raw bytes, headers repeated where a test says so, nothing added but the host.

import { type IncomingHttpHeaders, request } from "node:http";

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: string | Uint8Array;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Empty where the answer is no JSON object. */
  readonly json: AnswerFields;
}

/** What the ingress's answers have, each some of it: what is accepted, refused, asked for, or said of readiness. */
export interface AnswerFields {
  readonly deliveryId?: string;
  readonly executionId?: string;
  readonly duplicate?: boolean;
  readonly statusUrl?: string;
  readonly challenge?: string;
  readonly status?: string | number;
  readonly execution?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  readonly checks?: Readonly<Record<string, { readonly ok: boolean; readonly required: boolean }>>;
}

export function post(url: string, sent: Sent): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const body = Buffer.from(sent.body ?? "");
  const headers = Object.entries({ "content-length": String(body.length), ...sent.headers });
  const outgoing = request(
    `${url}${sent.path}`,
    {
      method: sent.method ?? "POST",
      headers: Object.fromEntries(headers.filter((entry) => entry[1] !== undefined)) as Record<string, string>,
    },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const isJson = /json/.test(answer.headers["content-type"] ?? "");
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text,
          json: isJson && text !== "" ? (JSON.parse(text) as AnswerFields) : {},
        });
      });
    },
  );
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}
