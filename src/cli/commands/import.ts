import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";

type ImportFlags = {
  readonly ca?: string;
  readonly locked: boolean;
  readonly privileged?: readonly string[];
  readonly root?: string;
};

export const importCommand = defineCommand<ImportFlags, [from: string, config?: string]>({
  brief: "Take an image from a registry or folder into the store",
  description:
    "Unpacks the plain layers of an image. One that `ashlar push` or `ashlar export` made has the same digest as what was built, or the " +
    "command fails. One that podman, docker or buildah made of Debian, with a kernel, becomes a machine: the config is laid on its files, " +
    "all but `packages`, which the image has to bring. Nothing in the layers can name a path of this host. With --root it has to be the image of a " +
    "release that is signed, as on a machine with that root: a tag alone says nothing of who put it there.",
  examples: [
    { arguments: "import oci://registry.example/team/web:stable", does: "then: ashlar diff, ashlar dump" },
    { arguments: "import --root keys/1.root.json oci://registry.example/team/web:stable", does: "only when these keys vouch for it" },
    { arguments: "import oci:web.oci web/system.ts", does: "from a layout; then: ashlar vm image:DIGEST" },
    { arguments: "import docker-archive:web.tar web/system.ts", does: "from `podman save`" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      ca: { kind: "parsed", parse: String, brief: "Certificate authority to trust (PEM)", placeholder: "FILE", optional: true },
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
      privileged: {
        kind: "parsed",
        parse: String,
        brief: "A setuid program, or one with capabilities, that may be there though no package has it; may be repeated",
        placeholder: "PATH",
        variadic: true,
        optional: true,
      },
      root: {
        kind: "parsed",
        parse: String,
        brief: "Take only what the keys of this root sign (N.root.json of `ashlar keys`)",
        placeholder: "FILE",
        optional: true,
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "oci://…, oci:DIR or docker-archive:FILE", placeholder: "FROM", parse: String }, configParameter],
    },
  },
  async run({ ca, locked, privileged = [], root }, [from, config], { cwd, ...context }) {
    const { importOci } = await import("#pipeline");
    const [, scheme = "", rest = ""] = /^(oci:(?!\/\/)|docker-archive:)?(.*)$/s.exec(from) ?? [];
    const { isOciAddress } = await import("#registry/oci/reference.ts");
    const address = isOciAddress(from) ? from : `${scheme === "oci:" ? "" : scheme}${resolve(cwd, rest)}`;
    const foreign = async () => ({ config: await configPath(cwd, config), locked, privileged });
    const result = await importOci(
      {
        from: address,
        foreign,
        ...(ca === undefined ? {} : { ca: resolve(cwd, ca) }),
        ...(root === undefined ? {} : { root: readFileSync(resolve(cwd, root)) }),
      },
      context,
    );
    const { digest, name } = result.image;
    return { json: { ...result }, text: `${digest}  ${name}${result.foreign ? `\nstart it: ashlar vm image:${digest.slice(0, 12)}` : ""}` };
  },
});
