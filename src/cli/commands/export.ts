import { resolve } from "node:path";
import { AshlarError } from "#errors";
import { formatBytes, formatCount } from "#report/format.ts";
import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";
import { signingFlags, signingOf } from "../signing.ts";
import type { SigningFlags } from "../signing.ts";
import type { CommandRun } from "../context.ts";

type ExportFlags = SigningFlags & {
  readonly oci?: string;
  readonly usb?: string;
  readonly of?: string;
  readonly from?: readonly string[];
  readonly tag: string;
  readonly sequence?: number;
  readonly locked: boolean;
};

export const exportCommand = defineCommand<ExportFlags, [config?: string]>({
  brief: "Write an image into a folder, to be carried",
  description:
    "--oci builds what is missing and writes an OCI image layout: layers that podman, skopeo and registries take, a package's files always in " +
    "the same one, and beside them what a machine needs. With keys it is a signed release, and the folder a source for `ashlar upgrade --from`. " +
    "--usb copies the newest release of a folder of `ashlar publish`, with its signatures, and only what machines with the releases of --from lack.",
  examples: [
    { arguments: "export --oci web.oci", does: "then: skopeo copy oci:web.oci:latest …" },
    { arguments: "export --oci /media/usb/web --keys keys", does: "then: ashlar upgrade --from /media/usb/web" },
    { arguments: "export --usb /media/usb/web --of /srv/releases/web --from 6 --from 7", does: "for machines that run release 6 or 7" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      oci: { kind: "parsed", parse: String, brief: "Folder of the layout, made when missing", placeholder: "DIR", optional: true },
      usb: { kind: "parsed", parse: String, brief: "Folder to carry, made when missing", placeholder: "DIR", optional: true },
      of: { kind: "parsed", parse: String, brief: "With --usb: the folder of `ashlar publish`", placeholder: "DIR", optional: true },
      from: {
        kind: "parsed",
        parse: String,
        brief: "With --usb: the release that a machine runs, by number or image; may be repeated",
        placeholder: "RELEASE",
        variadic: true,
        optional: true,
      },
      tag: { kind: "parsed", parse: String, brief: "Name of the image in the layout", placeholder: "TAG", default: "latest" },
      ...signingFlags,
      sequence: { kind: "parsed", parse: parseSequence, brief: "Number of the release (default: 1)", placeholder: "N", optional: true },
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
    },
    positional: { kind: "tuple", parameters: [configParameter] },
  },
  async run(flags, [config], context) {
    const { oci, usb, tag, sequence = 1, locked } = flags;
    const { cwd } = context;
    if (usb !== undefined) return carry({ ...flags, usb }, context);
    if (oci === undefined) throw usage("export takes --oci DIR or --usb DIR");
    const signing = await signingOf(flags, context);
    const { targetsOfLayout } = await import("#registry/oci/trust.ts");
    const release = signing === undefined ? {} : { release: { ...signing, sequence, targets: await targetsOfLayout(resolve(cwd, oci)) } };
    const { exportOci } = await import("#pipeline");
    const result = await exportOci({ config: await configPath(cwd, config), folder: resolve(cwd, oci), tag, locked, ...release }, context);
    const bytes = result.layers.reduce((sum, { size }) => sum + size, 0);
    const json = { folder: resolve(cwd, oci), image: result.image.digest, digest: result.record.image.digest, layers: result.layers };
    return { json, text: `${oci}: ${result.image.digest}, ${result.layers.length} layers, ${formatBytes(bytes)}` };
  },
});

async function carry({ usb, of, oci, keys, from = [] }: ExportFlags & { readonly usb: string }, { cwd, report }: CommandRun) {
  if (oci !== undefined || keys !== undefined) throw usage("--usb goes with neither --oci nor --keys: the release is signed already");
  if (of === undefined) throw usage("--usb takes --of DIR, the folder of `ashlar publish`");
  const { carryRelease } = await import("#registry/carried.ts");
  const request = { releases: resolve(cwd, of), folder: resolve(cwd, usb), from };
  const { release, objects, bytes, ...carried } = await report.step("copy the release", async (step) => carryRelease(request, step));
  const known = carried.from.map((each) => each.sequence);
  const json = { folder: request.folder, release: release.sequence, digest: release.image.digest, from: known, objects, bytes };
  const who = known.length === 0 ? "any machine" : `machines with release ${known.join(", ")}`;
  return { json, text: `${usb}: release ${release.sequence} for ${who}; ${formatCount(objects, "object")}, ${formatBytes(bytes)} written` };
}

function usage(message: string): AshlarError<"E_USAGE"> {
  return new AshlarError("E_USAGE", message, { hint: "ashlar export --help", exitCode: 2 });
}

/** @throws SyntaxError for what is no whole number from 1 */
function parseSequence(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new SyntaxError(`${JSON.stringify(text)} is no number of a release`);
  return Number(text);
}
