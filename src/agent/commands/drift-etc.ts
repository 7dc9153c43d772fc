/** Changes in an /etc that is mounted read-only are made while it is writable for a moment. */
import type { System } from "#config/system.ts";
import { exec } from "#sys/exec.ts";

export async function withWritableEtc<T>({ state }: System, work: () => Promise<T>): Promise<T> {
  if (state.etcMode !== "readonly") return work();
  await exec("mount", ["-o", "remount,rw", "/etc"]);
  try {
    return await work();
  } finally {
    await exec("mount", ["-o", "remount,ro", "/etc"]);
  }
}
