/**
 * The C library, for the system calls that Node does not offer. It is loaded at the first call: 20 ms that commands
 * without such calls do not pay. `koffi` is resolved at run time, beside the bundle on a machine.
 */
import { createRequire } from "node:module";
import { getSystemErrorMessage, getSystemErrorName } from "node:util";
import type Koffi from "koffi";

/** A C function; numbers, bigints, strings and buffers in, a number out. */
export type NativeFunction = (...args: readonly unknown[]) => number;

let koffi: typeof Koffi | undefined;
let library: ReturnType<typeof Koffi.load> | undefined;

/** Declares a function of the C library by its C prototype; it is looked up when it is first called. */
export function native(prototype: string): NativeFunction {
  let found: NativeFunction | undefined;
  return (...args) => {
    found ??= load().func(prototype) as NativeFunction;
    return found(...args);
  };
}

/** The error number of the last failed native call of this thread (`man 3 errno`). */
export function lastErrno(): number {
  return koffi?.errno() ?? 0;
}

/** The name of an error number, "ENOENT". */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}

/** An error like those of `node:fs` (`code`, `errno`, `syscall`, `path`), so that both are caught in one way. */
export function systemError(syscall: string, errno: number, path?: string): NodeJS.ErrnoException {
  const code = errnoName(errno);
  const where = path === undefined ? "" : ` '${path}'`;
  const error: NodeJS.ErrnoException = new Error(`${code}: ${getSystemErrorMessage(-errno)}, ${syscall}${where}`);
  return Object.assign(error, { code, errno: -errno, syscall, ...(path === undefined ? {} : { path }) });
}

/** Throws {@link systemError} when a native call returned −1; else returns its result. */
export function checked(result: number, syscall: string, path?: string): number {
  if (result < 0) throw systemError(syscall, lastErrno(), path);
  return result;
}

function load(): ReturnType<typeof Koffi.load> {
  koffi ??= createRequire(import.meta.url)("koffi") as typeof Koffi;
  library ??= koffi.load("libc.so.6");
  return library;
}
