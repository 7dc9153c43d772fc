import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";
import { parseForward, parsePort, parseSize } from "../numbers.ts";
import type { PortForward } from "../numbers.ts";

type VmFlags = {
  readonly ephemeral: boolean;
  readonly reset: boolean;
  readonly memory?: number;
  readonly sshPort?: number;
  readonly forward?: readonly PortForward[];
};

export const vmCommand = defineCommand<VmFlags, [config?: string]>({
  brief: "Start a config's machine in QEMU, in this terminal",
  description:
    "Builds what is missing and boots the machine with UEFI firmware; its serial console is this terminal. It ends when the machine " +
    "powers off, or with Ctrl-A X. The machine keeps its disk for the next time, unless --ephemeral or --reset says otherwise. " +
    "Where hardware virtualisation does not work, it is emulated: slower, the same machine.",
  examples: [
    { arguments: "vm", does: "the system.ts of this folder" },
    { arguments: "vm --ephemeral", does: "forget everything at the end" },
    { arguments: "vm --ssh-port 2222 --forward 8080:80", does: "then: ssh -p 2222 localhost; curl localhost:8080" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      ephemeral: { kind: "boolean", brief: "Forget what the machine writes when it ends", default: false },
      reset: { kind: "boolean", brief: "Start from a fresh disk", default: false },
      memory: { kind: "parsed", parse: parseSize, brief: "Memory of the machine", placeholder: "SIZE", optional: true },
      sshPort: {
        kind: "parsed",
        parse: parsePort,
        brief: "Port of this host that leads to the machine's ssh",
        placeholder: "PORT",
        optional: true,
      },
      forward: {
        kind: "parsed",
        parse: parseForward,
        brief: "Another port of this host that leads to one of the machine; may be repeated",
        placeholder: "HOST:GUEST",
        variadic: true,
        optional: true,
      },
    },
    positional: { kind: "tuple", parameters: [configParameter] },
  },
  async run({ ephemeral, reset, memory, sshPort, forward }, [config], context) {
    const request = {
      config: await configPath(context.cwd, config),
      ephemeral,
      reset,
      ...(memory === undefined ? {} : { memory: Math.ceil(memory / 2 ** 20) }),
      ...(sshPort === undefined ? {} : { sshPort }),
      ...(forward === undefined ? {} : { forwards: forward }),
    };
    const { runMachine } = await import("#pipeline");
    const { exitCode, disk } = await runMachine(request, context);
    return { json: { exitCode, disk }, text: "", exitCode };
  },
});
