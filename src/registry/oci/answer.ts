/** What all conversations with a registry share: its state, bounded bodies, and addresses that can be shown. */
import { AshlarError } from "#errors";
import type { Credentials } from "./credentials.ts";
import type { OciErrorCode } from "./errors.ts";
import type { HttpResponse } from "./transport.ts";

export interface Session {
  readonly origin: string;
  readonly repository: string;
  readonly credentials: Credentials | undefined;
  readonly ca: readonly string[];
  /** Repetitions of a request that failed. */
  readonly retries: number;
  /** Milliseconds before the first repetition, doubled each time. */
  readonly pause: number;
  /** Milliseconds of silence after which a request has failed. */
  readonly stall: number;
  /** The value of Authorization that was accepted last. */
  authorization?: string;
}

/** A whole body of at most `limit` bytes. @throws E_OCI_SIZE */
export async function bodyOf({ body }: HttpResponse, limit: number, where: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit)
      throw new AshlarError<OciErrorCode>("E_OCI_SIZE", `${where} has more than the ${limit} bytes that it may have`, {
        hint: "this is no honest registry, or not the address of one; nothing was changed",
        details: { where, limit },
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** An address for messages: what follows the "?" of a signed URL is a secret. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

export function unreachable(url: URL, why: string, cause?: unknown): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_UNREACHABLE", `${shown(url)} cannot be read or written: ${why}`, {
    cause,
    hint: "check the address, the network and the registry's certificate, then run the command again; what has arrived is kept",
    details: { url: shown(url) },
  });
}
