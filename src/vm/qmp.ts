/**
 * A client of QEMU's machine protocol: one JSON object a line, answers in the order of the commands.
 * Specification: https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
import type { Socket } from "node:net";
import { AshlarError } from "#errors";
import type { VmErrorCode } from "./errors.ts";

export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface Qmp {
  /**
   * Runs a command ("query-status", "system_powerdown", "quit") and returns its `return` value.
   * @throws E_VM_QMP with QEMU's words, or when the connection ended first
   */
  execute(command: string, options?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Called with each later event; the result stops it. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
  close(): void;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Message =
  | { readonly return?: unknown; readonly error?: { readonly class: string; readonly desc: string }; readonly QMP?: unknown }
  | QmpEvent;

/** Speaks to the machine at the other end of a connected socket. */
export async function openQmp(socket: Socket): Promise<Qmp> {
  const pending: Pending[] = [];
  const listeners = new Set<(event: QmpEvent) => void>();
  const failed = (command: string, why: string): AshlarError<VmErrorCode> =>
    new AshlarError("E_VM_QMP", `QEMU did not do ${command}: ${why}`, { details: { command } });
  let closed = false;
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") receive(JSON.parse(line) as Message);
  });
  // "close" follows every error and tells those who wait.
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    closed = true;
    for (const { command, reject } of pending.splice(0)) reject(failed(command, "the connection ended"));
  });

  function receive(message: Message): void {
    if ("event" in message) {
      for (const listener of listeners) listener(message);
      return;
    }
    if (message.QMP !== undefined) return;
    const first = pending.shift();
    if (first === undefined) return;
    if (message.error === undefined) first.resolve(message.return);
    else first.reject(failed(first.command, message.error.desc));
  }

  function execute(command: string, options?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (closed) return Promise.reject(failed(command, "the connection has ended"));
    return new Promise((resolve, reject) => {
      pending.push({ command, resolve, reject });
      socket.write(`${JSON.stringify({ execute: command, arguments: options })}\n`);
    });
  }

  await execute("qmp_capabilities");
  return {
    execute,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => void socket.destroy(),
  };
}
