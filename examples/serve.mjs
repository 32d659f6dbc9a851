// An http server on 127.0.0.1 that stands in for remote services: it answers by `METHOD /path`, remembers what it was sent,
// and can be told what to answer next. Plain JavaScript for any Node.js from 20 on.
import { createServer } from "node:http";

/**
 * @typedef {{ method: string, path: string, query: URLSearchParams, headers: Record<string, string>, text: string }} Call
 * @typedef {{ status?: number, body?: unknown, headers?: Record<string, string> }} Answer
 * @typedef {(call: Call) => Answer} Answerer
 */

/**
 * Starts a server on 127.0.0.1; port 0 picks a free one. What `answer` throws is answered with 500.
 * @param {{ port: number, answer: Answerer, onCall?: (call: Call, answer: Answer) => void }} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve({ port, answer, onCall }) {
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => send(response, { status: 500, body: { error: String(error) } }));
  });

  async function handle(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://stand-in");
    const call = {
      method: request.method ?? "GET",
      path: pathname,
      query: searchParams,
      headers: request.headers,
      text: Buffer.concat(chunks).toString("utf8"),
    };
    const answered = answer(call);
    onCall?.(call, answered);
    send(response, answered);
  }

  await new Promise((resolve, reject) =>
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined)),
  );
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}

function send(response, { status = 200, body, headers = {} }) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body === undefined ? "" : JSON.stringify(body));
}
