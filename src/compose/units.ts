/** What of an image belongs to one systemd unit: its file, drop-ins, and the links that enable, alias or mask it. */
import type { ByteString } from "#formats/bytes.ts";
import type { Root } from "./root.ts";

const UNITS = "/usr/lib/systemd/system";
const LOCAL = "/etc/systemd/system";
const LINK = /^\/usr\/lib\/systemd\/system\/[^/]+\.(wants|requires|upholds)\/([^/]+)$/;

/** "nginx" is nginx.service, as for systemctl. */
export function unitName(name: string): string {
  return /\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(name) ? name : `${name}.service`;
}

/** The file that describes a unit, when the image has it. */
export function unitFile(root: Root, unit: string): ByteString | undefined {
  const template = unit.replace(/@.+\./, "@.");
  return [`${UNITS}/${unit}`, `${UNITS}/${template}`, `${LOCAL}/${unit}`].find((path) => root.nodes.has(path));
}

/** The unit that a path is about; undefined for everything that is no part of a unit. */
export function unitOf(root: Root, path: ByteString): string | undefined {
  // What compares the version of a service's data is part of the service.
  return namedUnit(root, path)?.replace(/^ashlar-schema-/, "");
}

function namedUnit(root: Root, path: ByteString): string | undefined {
  const link = LINK.exec(path)?.[2];
  if (link !== undefined) return link;
  const [, dropIn] = /^\/(?:usr\/lib|etc)\/systemd\/system\/([^/]+)\.d\/[^/]+$/.exec(path) ?? [];
  if (dropIn !== undefined) return dropIn;
  const name = nameIn(path);
  if (name === undefined) return undefined;
  const node = root.inode(path);
  // An alias is a link to the unit that it means; a mask leads to /dev/null.
  const target = node?.mode !== undefined && node.mode >>> 12 === SYMLINK ? node.payload : undefined;
  return target === undefined || target === "/dev/null" || target.includes("/") ? name : target;
}

function nameIn(path: ByteString): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const folder = path.slice(0, path.lastIndexOf("/"));
  return (folder === UNITS || folder === LOCAL) && /\.[a-z]+$/.test(name) ? name : undefined;
}

/** S_IFLNK, without its zeros. */
const SYMLINK = 0o12;
