/**
 * Where packages come from: a setting of the build machine, never of a System or a Lock. `ASHLAR_MIRROR`, else the
 * machine's own apt sources (sources.list(5)).
 */
import { join } from "node:path";
import { fieldOf, parseDeb822 } from "#formats/deb822.ts";
import { archiveError } from "./errors.ts";
import { namesIfThere, textIfThere } from "#sys/if-there.ts";

/** The two archives of Debian, named by the last part of their path. */
export type ArchiveRoot = "debian" | "debian-security";

/** Base addresses without a trailing slash. */
export type Mirror = Readonly<Record<ArchiveRoot, string>>;

export interface MirrorSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of apt's settings; /etc/apt unless in a test. */
  readonly aptFolder?: string;
}

/** @throws E_MIRROR_UNKNOWN with the command that sets it */
export function findMirror(sources: MirrorSources = { env: process.env }): Mirror {
  const set = sources.env["ASHLAR_MIRROR"];
  if (set !== undefined && set !== "") return fromSetting(set);
  const addresses = aptAddresses(sources.aptFolder ?? "/etc/apt").map(withoutSlash);
  const debian = addresses.find((address) => address.endsWith("/debian"));
  if (debian === undefined)
    throw archiveError(
      "E_MIRROR_UNKNOWN",
      "no Debian mirror is known: ASHLAR_MIRROR is not set, and this machine's apt sources name none",
      {
        hint: "export ASHLAR_MIRROR=<address of a Debian mirror, ending in /debian>",
      },
    );
  return { debian, "debian-security": addresses.find((address) => address.endsWith("/debian-security")) ?? securityBeside(debian) };
}

function fromSetting(setting: string): Mirror {
  const debian = withoutSlash(setting);
  if (!/^https?:\/\/.+\/debian$/.test(debian))
    throw archiveError("E_MIRROR_UNKNOWN", `ASHLAR_MIRROR is "${setting}", which is not an http(s) address that ends in /debian`, {
      hint: "export ASHLAR_MIRROR=<address of a Debian mirror, ending in /debian>",
    });
  return { debian, "debian-security": securityBeside(debian) };
}

/** Every http(s) address in apt's sources, in the order of the files' names; third-party repositories among them. */
function aptAddresses(folder: string): string[] {
  const files = ["sources.list", ...namesIfThere(join(folder, "sources.list.d")).map((name) => `sources.list.d/${name}`)];
  return files.flatMap((file) => {
    const text = textIfThere(join(folder, file)) ?? "";
    return file.endsWith(".sources") ? fromDeb822(text) : file.endsWith(".list") ? fromLines(text) : [];
  });
}

function fromDeb822(text: string): string[] {
  const enabled = parseDeb822(text).filter((paragraph) => fieldOf(paragraph, "Enabled") !== "no");
  return enabled.flatMap((paragraph) => (fieldOf(paragraph, "URIs") ?? "").split(/\s+/).flatMap(resolveAddress));
}

function fromLines(text: string): string[] {
  const found = text.matchAll(/^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)/gm);
  return [...found].flatMap((match) => resolveAddress(match[1] ?? ""));
}

/** Debian's cloud images name a file that lists mirrors (apt-transport-mirror(1)). */
function resolveAddress(address: string): string[] {
  const list = /^mirror\+file:(\/.+)$/.exec(address)?.[1];
  if (list !== undefined) return (textIfThere(list) ?? "").split(/\s+/).flatMap(resolveAddress);
  return /^https?:\/\//.test(address) ? [address] : [];
}

const withoutSlash = (address: string): string => address.replace(/\/+$/, "");
const securityBeside = (debian: string): string => `${debian}-security`;
