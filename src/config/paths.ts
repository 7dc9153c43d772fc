/** Paths that a config may name. */
import * as z from "zod";

/** Made at run time, by the kernel, by systemd or by Ashlar: what a config puts there would never be seen. */
const RUNTIME = ["/proc", "/sys", "/dev", "/run", "/tmp", "/state", "/sysroot", "/efi", "/boot", "/lost+found"] as const;

/** Merged /usr: in the image these are links, so a file has two names and only one of them is right. */
const MERGED = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] as const;

/** An absolute path in its shortest form. */
export function absolutePath(): z.ZodString {
  return z.string().superRefine((path, context) => {
    const wrong = wrongPath(path);
    if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong.expected, params: { hint: wrong.hint } });
  });
}

/** A path that becomes part of the image. */
export function imagePath(): z.ZodString {
  return z.string().superRefine((path, context) => {
    const wrong = wrongPath(path) ?? wrongPlace(path);
    if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong.expected, params: { hint: wrong.hint } });
  });
}

/** A path below /etc, written without it. */
export function etcPath(): z.ZodString {
  return z.string().superRefine((path, context) => {
    const wrong = path.startsWith("/")
      ? { expected: "a path relative to /etc", hint: `write ${JSON.stringify(path.replace(/^\/(etc\/)?/, ""))}` }
      : wrongPath(`/${path}`);
    if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong.expected, params: { hint: wrong.hint } });
  });
}

/** True for `path` itself and everything in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

interface Wrong {
  readonly expected: string;
  readonly hint?: string;
}

function wrongPath(path: string): Wrong | undefined {
  if (/\p{Cc}/u.test(path)) return { expected: "a path without control characters" };
  if (!path.startsWith("/")) return { expected: "an absolute path", hint: `write ${JSON.stringify(`/${path}`)}` };
  if (Buffer.byteLength(path) > 4095) return { expected: "a path of at most 4095 bytes" };
  const parts = path.slice(1).split("/");
  if (path !== "/" && parts.some((part) => part === "" || part === "." || part === ".."))
    return { expected: "a path without empty parts, `.`, `..` and a slash at the end" };
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return { expected: "names of at most 255 bytes" };
  return undefined;
}

function wrongPlace(path: string): Wrong | undefined {
  if (path === "/") return { expected: "a path below /" };
  const runtime = RUNTIME.find((folder) => isWithin(path, folder));
  if (runtime !== undefined)
    return { expected: `a path outside ${runtime}, which is made on the running machine`, hint: "use a path below /usr, /etc or /var" };
  const merged = MERGED.find((folder) => isWithin(path, folder));
  if (merged !== undefined)
    return { expected: `a path outside ${merged}, which is a link`, hint: `write ${JSON.stringify(`/usr${path}`)}` };
  return undefined;
}
