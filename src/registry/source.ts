/** Where releases come from: a folder, a web server of static files, a registry or an OCI layout, all read in the same way. */
import { createReadStream, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AshlarError, hasErrno } from "#errors";
import type { RegistryErrorCode } from "./errors.ts";
import { httpSource } from "./http.ts";
import type { HttpOptions } from "./http.ts";
import { isLayout } from "./oci/layout.ts";
import { isOciAddress } from "./oci/reference.ts";
import { layoutSource, registrySource } from "./oci/source.ts";
import { limited } from "./stream.ts";
import type { ByteRange, ReleaseSource } from "./stream.ts";

/**
 * @param address a folder, `file:` URL, http(s) URL, or `oci://host/name[:tag][@digest]`
 * @param http how patient to be with a web server or registry
 * @throws E_SOURCE_UNREACHABLE when it is none of these, E_OCI_REFERENCE, E_OCI_CREDENTIALS
 */
export function openSource(address: string, http: HttpOptions = {}): ReleaseSource {
  if (/^https?:\/\//i.test(address)) return httpSource(address, http);
  if (isOciAddress(address)) return registrySource(address, http);
  const folder = resolve(address.startsWith("file:") ? fileURLToPath(address) : address);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new AshlarError<RegistryErrorCode>("E_SOURCE_UNREACHABLE", `${address} is neither a folder nor an http(s) address`, {
      hint: "name the folder that `ashlar publish` made, or the address of the web server that has it; nothing was changed",
      details: { address },
    });
  if (isLayout(folder)) return layoutSource(folder);
  return { address: folder, open: (path, limit, signal, range) => openFile(join(folder, path), limit, { signal, range }) };
}

async function openFile(
  path: string,
  limit: number,
  { signal, range }: { readonly signal: AbortSignal | undefined; readonly range: ByteRange | undefined },
): Promise<AsyncIterable<Buffer> | undefined> {
  const stream = createReadStream(path, {
    ...(signal === undefined ? {} : { signal }),
    ...(range === undefined ? {} : { start: range.from, end: range.to - 1 }),
  });
  try {
    await new Promise<void>((opened, failed) => {
      stream.once("open", () => opened());
      stream.once("error", failed);
    });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
  return limited(stream as AsyncIterable<Buffer>, limit, path);
}
