/**
 * The kernel and initrd of a tree. Gathering and compressing take two seconds, so an initrd is made once for everything
 * that it could be made of, and compressed once for each content.
 */
import { createHash, hash } from "node:crypto";
import { compressInitrd, gatherInitrd } from "#boot/initrd.ts";
import type { System } from "#config/system.ts";
import { compareBytes } from "#formats/bytes.ts";
import type { Image } from "#image/image.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import { getRef, putRef } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import type { Tree, TreeNode } from "#tree/tree.ts";
import { ashlarDigest } from "./keys.ts";

type Kernel = NonNullable<Image["kernel"]>;

/** What "initrds" references hold. */
interface InitrdRecord {
  readonly object: ObjectId;
  /** Absent when the reference is for a content, not for its inputs. */
  readonly kernel?: Omit<Kernel, "arguments">;
}

export function cachedKernel(tree: Tree, system: System, epoch: number, store: Store, step: Step): Kernel {
  const inputs = inputsKey(tree, system, epoch);
  const known = lookUp(store, inputs)?.kernel;
  if (known !== undefined && store.has(known.linux)) {
    step.cached();
    return { ...known, arguments: system.kernel.arguments };
  }
  const { archive, kernelVersion, linux } = gatherInitrd(tree, store, { modules: system.kernel.initrdModules, epoch });
  const content = hash("sha256", archive);
  const initrd = lookUp(store, content)?.object ?? store.add(compressInitrd(archive));
  const kernel = { version: kernelVersion, linux, initrd };
  putRef(store, "initrds", content, { object: initrd } satisfies InitrdRecord);
  putRef(store, "initrds", inputs, { object: initrd, kernel } satisfies InitrdRecord);
  return { ...kernel, arguments: system.kernel.arguments };
}

function lookUp(store: Store, key: string): InitrdRecord | undefined {
  const record = getRef(store, "initrds", key) as InitrdRecord | undefined;
  return record !== undefined && store.has(record.object) ? record : undefined;
}

/** Everything outside these places, and the groups, may go into an initrd. */
const IRRELEVANT = /^\/(etc|usr\/share|usr\/lib\/ashlar|usr\/lib\/sysimage|usr\/lib\/tmpfiles\.d)\//;

function inputsKey(tree: Tree, system: System, epoch: number): string {
  const digest = createHash("sha256").update(JSON.stringify([ashlarDigest(), epoch, system.kernel.initrdModules]));
  const paths = [...tree.nodes.keys()].filter((path) => !IRRELEVANT.test(path) || path === "/etc/group").sort(compareBytes);
  digest.update(paths.map((path) => `${path}\0${describe(tree.nodes.get(path))}\n`).join(""), "latin1");
  return digest.digest("hex");
}

function describe(node: TreeNode | undefined): string {
  if (node?.kind === "file")
    return `${node.mode} ${"inline" in node.content ? node.content.inline.toString("latin1") : node.content.object}`;
  if (node?.kind === "symlink" || node?.kind === "hardlink") return `-> ${node.target}`;
  return node?.kind ?? "";
}
