/** What the examples share. A system is a plain value: share it with functions, spreads and `merge`. */
import { merge } from "ashlar";
import type { SystemPart, UserInput } from "ashlar";

/** A machine under QEMU or a cloud's hypervisor, with its console on the first serial port. */
export const virtualMachine: SystemPart = {
  kernel: { package: "linux-image-cloud-amd64", arguments: ["quiet", "console=ttyS0"] },
};

/** A server that is reached by ssh. */
export const server: SystemPart = merge(virtualMachine, {
  ssh: true,
  sysctl: { "kernel.kptr_restrict": 2, "net.ipv4.conf.all.rp_filter": 1 },
});

/** Somebody who may become root and logs in with a key. */
export function administrator(comment: string, ...sshKeys: string[]): UserInput {
  return { comment, sshKeys, sudo: true };
}
