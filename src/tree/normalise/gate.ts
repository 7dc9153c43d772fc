/**
 * The last look before a tree ships: nothing in it may be a secret of the build or open what must be closed
 * (rpm-ostree once shipped a world-readable shadow file).
 */
import { AshlarError } from "#errors";
import { toText } from "#formats/bytes.ts";
import type { Draft } from "../draft.ts";
import { readText } from "../draft.ts";

export type GateErrorCode = "E_TREE_SENSITIVE";

/** Bits that must not be set. */
const CLOSED: Readonly<Record<string, number>> = {
  "/etc/shadow": 0o137,
  "/etc/gshadow": 0o137,
  "/etc/sudoers": 0o227,
};

const LARGEST_KEY = 64 * 1024;

/** @throws E_TREE_SENSITIVE naming every path that is too open or holds a private key */
export function checkSensitive(draft: Draft): void {
  const findings: string[] = [];
  for (const [path, forbidden] of Object.entries(CLOSED)) {
    const node = draft.nodes.get(path);
    if (node?.kind === "file" && (node.mode & forbidden) !== 0) findings.push(`${path} has mode ${node.mode.toString(8)}`);
  }
  for (const [path, node] of draft.nodes) {
    if (node.kind !== "file" || !(path.startsWith("/etc/") || path.startsWith("/usr/share/factory/"))) continue;
    if ("object" in node.content && node.content.size > LARGEST_KEY) continue;
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(readText(draft, path) ?? "")) findings.push(`${toText(path)} holds a private key`);
  }
  if (findings.length > 0) {
    throw new AshlarError<GateErrorCode>(
      "E_TREE_SENSITIVE",
      `the image would hold what must not be shared:\n${findings.map((finding) => `  ${finding}`).join("\n")}`,
      {
        hint: "keep secrets in /state and declare them in state.etc; an image is readable by everyone who gets it",
        details: { findings },
      },
    );
  }
}
