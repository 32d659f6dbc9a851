// Answers, as problem+json, requests that node:http gives up on before any handler sees them.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { PROBLEMS, type ProblemCode, problemBody } from "@keelson/contracts";
import { newId } from "./id.ts";
import { PROBLEM_MEDIA_TYPE } from "./problem-response.ts";

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Takes care of the server's `clientError`: answers where an answer can still be read as one, then closes the socket. */
export function answerClientErrors(server: Server): void {
  const latest = new WeakMap<Duplex, Exchange>();
  server.on("request", (req, res) => latest.set(req.socket, { req, res }));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === "ECONNRESET" || !mayAnswer(latest.get(socket))) {
      socket.destroy();
      return;
    }
    socket.end(rawProblem(codeOf(error)), () => socket.destroy());
  });
}

/** False while an answer is being written, or after one to a request whose rest was never read. */
function mayAnswer(exchange: Exchange | undefined): boolean {
  if (exchange === undefined) return true;
  return exchange.req.complete ? exchange.res.writableFinished : !exchange.res.headersSent;
}

function codeOf(error: NodeJS.ErrnoException): ProblemCode {
  switch (error.code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "REQUEST_TIMEOUT";
    case "HPE_HEADER_OVERFLOW":
      return "HEADERS_TOO_LARGE";
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return "PAYLOAD_TOO_LARGE";
    default:
      return "MALFORMED_HTTP";
  }
}

function rawProblem(code: ProblemCode): string {
  const body = JSON.stringify(problemBody(code, { requestId: newId() }));
  const { status, title } = PROBLEMS[code];
  return [
    `HTTP/1.1 ${status} ${title}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
