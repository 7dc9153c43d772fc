/**
 * PAX extended headers: "length key=value\n" records that apply to the next entry.
 * Only keys that mean something here are taken; what could make two readers disagree is refused.
 */
import { fromBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { tarError } from "./entry.ts";

export interface PaxAttributes {
  readonly path?: ByteString;
  readonly linkPath?: ByteString;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
}

const XATTR_PREFIX = "SCHILY.xattr.";
/** Times and names we do not keep. */
const IGNORED = new Set(["atime", "ctime", "comment", "uname", "gname"]);

/** Parses the content of an `x` entry. @throws E_TAR_PAX for malformed, repeated and unknown records */
export function readPax(content: Buffer, entry: number): PaxAttributes {
  const records = new Map<string, ByteString>();
  const xattrs = new Map<ByteString, ByteString>();
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = content.toString("latin1", at, space < 0 ? at : space);
    const end = at + Number(length);
    if (!/^[1-9][0-9]{0,9}$/.test(length) || end > content.length || content[end - 1] !== 0x0a)
      throw tarError("E_TAR_PAX", entry, "a PAX record has a wrong length");
    const record = fromBuffer(content.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals <= 0) throw tarError("E_TAR_PAX", entry, "a PAX record has no key");
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (records.has(key)) throw tarError("E_TAR_PAX", entry, `the PAX key ${key} is given twice`);
    records.set(key, value);
    if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value);
    else if (!IGNORED.has(key) && !KNOWN.has(key)) throw tarError("E_TAR_PAX", entry, `the PAX key ${key} is not supported`);
    at = end;
  }
  const number = (key: string): number | undefined => {
    const value = records.get(key);
    if (value === undefined) return undefined;
    if (!/^[0-9]{1,15}(\.[0-9]+)?$/.test(value)) throw tarError("E_TAR_PAX", entry, `the PAX key ${key} has the value "${value}"`);
    return Math.floor(Number(value));
  };
  return withoutUndefined({
    path: records.get("path"),
    linkPath: records.get("linkpath"),
    size: number("size"),
    uid: number("uid"),
    gid: number("gid"),
    mtime: number("mtime"),
    xattrs,
  });
}

const KNOWN = new Set(["path", "linkpath", "size", "uid", "gid", "mtime"]);

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Partial<WithoutUndefined<T>> & Pick<T, "xattrs" & keyof T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<WithoutUndefined<T>> &
    Pick<T, "xattrs" & keyof T>;
}
