/**
 * The folders of the machine's own (/var and the like) are empty in an image, but maintainer scripts expect them as they were
 * when the image was built. The image says how to make them: its own tmpfiles.d lines (normalise/mutable.ts) are done again.
 */
import { chmodSync, chownSync, copyFileSync, lchownSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { compareBytes } from "#formats/bytes.ts";
import { readText } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { FACTORY_LINES } from "../normalise/mutable.ts";

/** Makes what the image's lines say below `root`, a writable root of that image. */
export function makeMutable(root: string, base: Draft): void {
  const users = idsOf(base, "/etc/passwd");
  const groups = idsOf(base, "/etc/group");
  for (const { type, path, mode, user, group, argument } of linesOf(base)) {
    const real = join(root, path);
    if (type === "d") {
      mkdirSync(real, { recursive: true });
      chownSync(real, users(user), groups(group));
      chmodSync(real, Number.parseInt(mode, 8));
    } else if (type === "C") {
      copyFileSync(join(root, argument), real);
      const node = base.nodes.get(argument);
      if (node?.kind !== "file") continue;
      chownSync(real, node.uid, node.gid);
      chmodSync(real, node.mode);
    } else {
      makeLink(argument, real);
      lchownSync(real, 0, 0);
    }
  }
}

interface Line {
  readonly type: "d" | "C" | "L";
  readonly path: string;
  readonly mode: string;
  readonly user: string;
  readonly group: string;
  /** What is copied, or where a link leads. */
  readonly argument: string;
}

/** Folders before what they hold. */
function linesOf(base: Draft): Line[] {
  return (readText(base, FACTORY_LINES) ?? "")
    .split("\n")
    .filter((text) => text !== "" && !text.startsWith("#"))
    .map((text) => text.split(" ").map(unescape))
    .map(([type = "", path = "", mode = "", user = "", group = "", , argument = ""]) => ({
      type: type.startsWith("L") ? "L" : type === "C" ? "C" : "d",
      path,
      mode,
      user,
      group,
      argument,
    }))
    .sort((a, b) => compareBytes(a.path, b.path)) as Line[];
}

/** The inverse of how the lines are written. */
function unescape(field: string): string {
  return field.replaceAll("\\x20", " ").replaceAll("\\\\", "\\").replaceAll("%%", "%");
}

function idsOf(base: Draft, path: string): (name: string) => number {
  const ids = new Map((readText(base, path) ?? "").split("\n").map((text) => [text.split(":")[0] ?? "", Number(text.split(":")[2])]));
  return (name) => ids.get(name) ?? Number(name);
}

function makeLink(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (!hasErrno(error, "EEXIST")) throw error;
  }
}
