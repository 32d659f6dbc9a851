// Undoes the content-encoding of an answer, chunk by chunk; whoever reads the chunks sets the bounds.
import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";
import { assertNever } from "@keelson/contracts";

export type Encoding = "identity" | "gzip" | "deflate" | "br";

/** What a brotli stream may make its decoder allocate beside the output, in bytes. */
export const BROTLI_WINDOW_BYTES = 16 * 1024 * 1024;

/** Decoded at once, in bytes: larger than Node's default, as each chunk costs a turn of the thread pool. */
const CHUNK_BYTES = 64 * 1024;

/** The bytes are not what `content-encoding` says. */
export class UndecodableBody extends Error {
  override readonly name = "UndecodableBody";
}

/** An encoding that was not asked for, or several on top of one another. */
export class UnknownEncoding extends Error {
  override readonly name = "UnknownEncoding";
}

/** @throws UnknownEncoding that names the encoding. */
export function encodingOf(contentEncoding: readonly string[]): Encoding {
  const value = contentEncoding.join(",").trim().toLowerCase();
  switch (value) {
    case "":
    case "identity":
      return "identity";
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
    case "br":
      return value;
    default:
      throw new UnknownEncoding(value.slice(0, 60));
  }
}

/** An empty body is empty in any encoding. Throws the body's own error, or UndecodableBody. */
export async function* decodeBody(body: Readable, encoding: Encoding): AsyncGenerator<Buffer, void, undefined> {
  const first = encoding === "identity" ? null : await peek(body);
  if (encoding === "identity") yield* body;
  else if (first !== null) yield* decodeWith(createDecoder(encoding, first), body);
}

async function* decodeWith(decoder: Transform, body: Readable): AsyncGenerator<Buffer, void, undefined> {
  let isBodyBroken = false;
  // Whichever fails first destroys the other with the same error.
  body.once("error", () => (isBodyBroken = decoder.errored === null));
  try {
    yield* pipeline(body, decoder, () => undefined);
  } catch (error) {
    throw isBodyBroken ? error : new UndecodableBody("the content-encoding is damaged", { cause: error });
  }
}

function createDecoder(encoding: Exclude<Encoding, "identity">, first: Buffer): Transform {
  switch (encoding) {
    case "gzip":
      return createGunzip({ chunkSize: CHUNK_BYTES });
    case "br":
      return createBrotliDecompress({ chunkSize: CHUNK_BYTES });
    case "deflate":
      // Some send it in zlib's wrapping, as they should, whose first byte ends in 8; some send it bare.
      return ((first[0] ?? 0) & 0x0f) === 8
        ? createInflate({ chunkSize: CHUNK_BYTES })
        : createInflateRaw({ chunkSize: CHUNK_BYTES });
    default:
      return assertNever(encoding);
  }
}

async function peek(body: Readable): Promise<Buffer | null> {
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    body.unshift(chunk);
    return chunk;
  }
  return null;
}
