/** Loads a kernel that the next `systemctl kexec` starts without the firmware (`man 2 kexec_file_load`). */
import { closeSync, openSync } from "node:fs";
import { checked, native } from "./libc.ts";

// glibc has no wrapper of it.
const syscall = native(
  "long syscall(long number, long kernelFd, long initrdFd, unsigned long cmdlineSize, const char *cmdline, unsigned long flags)",
);

/** `asm/unistd.h` */
const NUMBER: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 320, arm64: 294 };

/**
 * @param files paths of the kernel and of its initrd
 * @param cmdline kernel command line
 * @throws a system error: EPERM (lockdown, or not root), ENOEXEC, ENOSYS
 */
export function loadKexec(files: { readonly linux: string; readonly initrd: string }, cmdline: string): void {
  const linux = openSync(files.linux, "r");
  try {
    const initrd = openSync(files.initrd, "r");
    try {
      // The size counts the final NUL.
      const size = Buffer.byteLength(cmdline) + 1;
      checked(syscall(NUMBER[process.arch] ?? -1, linux, initrd, size, cmdline, 0), "kexec_file_load", files.linux);
    } finally {
      closeSync(initrd);
    }
  } finally {
    closeSync(linux);
  }
}
