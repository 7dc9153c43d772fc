/**
 * The kinds of value that options are made of. Each says what it expects in words: that text is what a person reads
 * after "expected". A value that ends up in one line of a unit, a kernel command line or an account file can never
 * carry a line break into it.
 */
import { isIP } from "node:net";
import * as z from "zod";
import { parseTimeWindow } from "#formats/time-window.ts";
import { nearest } from "./nearest.ts";

/** Text that must match; the pattern is in the JSON Schema too, so that editors check it. */
export function matching(pattern: RegExp, expected: string): z.ZodString {
  return z.string().regex(pattern, { error: expected });
}

/** Text judged by a function. `hint` says how to come to a right value. */
function judged(accepts: (text: string) => boolean, expected: string, options: { hint?: string; secret?: boolean } = {}): z.ZodString {
  return z.string().refine(accepts, { error: expected, params: options });
}

export const text = (): z.ZodString => judged((value) => !value.includes("\0"), "text without NUL characters");
export const line = (): z.ZodString => matching(/^\P{Cc}*$/u, "one line of text without control characters");
export const word = (): z.ZodString => matching(/^[!-~]+$/, "one word of printable ASCII");

/** Debian Policy §5.6.1, https://www.debian.org/doc/debian-policy/ch-controlfields.html#source */
export const packageName = (): z.ZodString =>
  matching(/^[a-z0-9][a-z0-9+.-]+$/, "a package name: lower-case letters, digits and + - . (versions belong to the lock)");

/** adduser's NAME_REGEX, and useradd's limit of 32. */
export const accountName = (): z.ZodString =>
  matching(/^[a-z_][a-z0-9_-]{0,31}$/, "an account name: lower-case letters, digits, _ and -, at most 32, starting with a letter or _");

/** A number or name of an account that owns something. */
export const owner = (): z.ZodString => matching(/^([a-z_][a-z0-9_-]{0,31}|\d{1,10})$/, "an account name or number");

/** A whole number in a range; the ends count. */
export function integer(least: number, most: number): z.ZodNumber {
  const error = `a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** 0 is root; 65534 and the two all-ones values mean "nobody" and "no change" (systemd, "Users, Groups, UIDs and GIDs"). */
export const accountId = (): z.ZodNumber =>
  integer(0, 4294967293).refine((id) => id !== 65534 && id !== 65535, { error: "a number that is not reserved (65534, 65535)" });

/** hostname(7): labels of RFC 1123, at most 64 in all on Linux. */
export const hostName = (): z.ZodString =>
  matching(
    /^(?=.{1,64}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
    "a host name: lower-case letters, digits and -, at most 64 characters",
  );

const UNIT_TYPES = "service|socket|timer|path|target|mount|automount|swap|slice";

/** systemd.unit(5). */
export const unitName = (): z.ZodString =>
  matching(new RegExp(`^[A-Za-z0-9:_.\\\\@-]{1,240}\\.(${UNIT_TYPES})$`), 'a unit name with its type, such as "web.service"');

/** The same; without a type it is a service. */
export const unitReference = (): z.ZodString => matching(/^[A-Za-z0-9:_.\\@-]{1,255}$/, 'a unit name, such as "nginx" or "backup.timer"');

export const mode = (): z.ZodString =>
  z
    .string({ error: 'permission bits as text, such as "0644"' })
    .regex(/^0?[0-7]{3,4}$/, { error: 'permission bits as octal text, such as "0644"' });

export const ipAddress = (): z.ZodString => judged((value) => isIP(value) !== 0, 'an IP address, such as "192.0.2.1" or "2001:db8::1"');

export const ipPrefix = (): z.ZodString => judged(isPrefix, 'an address with its prefix length, such as "192.0.2.10/24"');

export const timeWindow = (): z.ZodString =>
  judged((value) => parseTimeWindow(value) !== undefined, 'a window of time, such as "02:00-04:00" or "Sat,Sun 22:00-06:00"');

/** The names that tzdata has are the names that Node knows. */
export const timeZone = (): z.ZodString =>
  z.string().superRefine((zone, context) => {
    if (isTimeZone(zone)) return;
    const near = nearest(zone, Intl.supportedValuesOf("timeZone"));
    const hint = near === undefined ? "`timedatectl list-timezones` lists them" : `did you mean ${JSON.stringify(near)}?`;
    context.addIssue({ code: "custom", message: 'a time zone of tzdata, such as "Europe/Berlin" or "UTC"', params: { hint } });
  });

/** crypt(5): `$id$…` with known strong methods. What does not look like it is treated as a secret and never shown. */
export const passwordHash = (): z.ZodString =>
  judged((value) => /^\$(y|gy|7|2b|6|5)\$[./A-Za-z0-9$=,]{20,}$/.test(value), "a crypt(5) hash, found something else (not shown)", {
    hint: "a plain password must not be in a config; `openssl passwd -6` makes a hash of one",
    secret: true,
  });

export const sshKey = (): z.ZodString =>
  judged(isSshKey, 'an OpenSSH public key, such as "ssh-ed25519 AAAA… ada@laptop"', {
    hint: "it is the one line of a file like ~/.ssh/id_ed25519.pub",
    secret: true,
  });

function isPrefix(value: string): boolean {
  const [address = "", length, ...rest] = value.split("/");
  const family = isIP(address);
  return rest.length === 0 && /^\d{1,3}$/.test(length ?? "") && Number(length) <= (family === 4 ? 32 : family === 6 ? 128 : -1);
}

function isTimeZone(value: string): boolean {
  if (value === "UTC") return true;
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(value)) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: value });
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
  // Intl does not mind upper and lower case; the file system does.
  return !Intl.supportedValuesOf("timeZone").some((zone) => zone !== value && zone.toLowerCase() === value.toLowerCase());
}

const KEY_TYPES = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;

/** sshd(8), AUTHORIZED_KEYS FILE FORMAT: options, type, base64, comment; the base64 repeats the type (RFC 4253 §6.6). */
function isSshKey(value: string): boolean {
  if (/\p{Cc}/u.test(value)) return false;
  const words = value.split(" ");
  const at = words.findIndex((part) => KEY_TYPES.test(part));
  const [type = "", encoded = ""] = at < 0 ? [] : words.slice(at, at + 2);
  const blob = Buffer.from(encoded, "base64");
  if (blob.toString("base64").replace(/=+$/, "") !== encoded.replace(/=+$/, "") || blob.length < 4) return false;
  return blob.length > 32 && blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") === type;
}
