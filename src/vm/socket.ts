/** Unix sockets that a program about to start will open. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { AshlarError, hasErrno } from "#errors";
import type { VmErrorCode } from "./errors.ts";

const RETRY_MS = 20;

/**
 * Connects as soon as something listens at `path`.
 * @param signal ends the wait, when the program has ended
 * @param timeout milliseconds
 * @throws E_VM_SOCKET
 */
export async function connectWhenReady(path: string, signal: AbortSignal, timeout: number): Promise<Socket> {
  const deadline = performance.now() + timeout;
  for (;;) {
    try {
      return await connected(path);
    } catch (cause) {
      if (!hasErrno(cause, "ENOENT") && !hasErrno(cause, "ECONNREFUSED")) throw cause;
      if (signal.aborted || performance.now() > deadline)
        throw new AshlarError<VmErrorCode>("E_VM_SOCKET", `nothing listens at ${path}`, { cause });
    }
    await delay(RETRY_MS);
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
