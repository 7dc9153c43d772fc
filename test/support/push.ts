/** Puts today's program, units and scripts over those of a running machine's image, to try a change without building it. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentContributions } from "#agent/bundle.ts";
import { bootContributions } from "#boot/runtime.ts";
import { loadSystem } from "#config/load.ts";
import { fromText } from "#formats/bytes.ts";
import type { TarEntry } from "#formats/tar/entry.ts";
import { writeTar } from "#formats/tar/writer.ts";
import type { Contribution } from "#tree/contribution.ts";
import type { Live } from "./live-machine.ts";

/** Folders that get a layer over them: all that Ashlar itself brings, but for Node and koffi, lies below. */
const FOLDERS = ["/usr/lib/ashlar", "/usr/lib/systemd/system"];
const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: new Map() };

/** Mounts the layers the first time; they stay until the machine ends. */
export async function push(live: Live): Promise<void> {
  const { system } = await loadSystem(live.project.config, live.context.workspace);
  const contributions = [...(await agentContributions(system, live.context.workspace)), ...bootContributions(system)];
  const entries = contributions.flatMap(entryOf).filter(({ path }) => FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
  const folders = new Set(entries.flatMap(({ path }) => parents(path)));
  const archive = join(live.served, "push.tar");
  writeFileSync(
    archive,
    writeTar([...[...folders].sort().map((path): TarEntry => ({ ...COMMON, type: "directory", path, mode: 0o755 })), ...entries]),
  );
  const { exitCode, err } = await live.sudo(`set -e
    for folder in ${FOLDERS.join(" ")}; do
      layer=/run/push$folder
      [ -d $layer ] || { mkdir -p $layer/upper $layer/work; mount -t overlay push $folder -o lowerdir=$folder,upperdir=$layer/upper,workdir=$layer/work; }
    done
    curl -sSf ${live.address("push.tar")} | tar -x -C / --no-same-owner
    systemctl daemon-reload`);
  rmSync(archive);
  assert.equal(exitCode, 0, err);
}

function entryOf(part: Contribution): TarEntry[] {
  const path = fromText(part.path);
  if (part.kind === "symlink") return [{ ...COMMON, type: "symlink", path, target: fromText(part.target), mode: 0o777 }];
  if (part.kind !== "file") return [];
  const content = typeof part.content === "string" ? Buffer.from(part.content) : part.content;
  return [{ ...COMMON, type: "file", path, content, mode: part.mode }];
}

/** Folders on the way from a layer's root to a path, outermost first: they may be new. */
function parents(path: string): string[] {
  const folder = FOLDERS.find((layer) => path.startsWith(`${layer}/`)) ?? "";
  const parts = path
    .slice(folder.length + 1)
    .split("/")
    .slice(0, -1);
  return parts.map((_part, at) => `${folder}/${parts.slice(0, at + 1).join("/")}`);
}
