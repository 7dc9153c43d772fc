/** A serial console as tests and the demo use it: wait for text, type text, run a command in a root shell. */
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { AshlarError } from "#errors";
import type { VmErrorCode } from "./errors.ts";

export interface Console {
  /** Everything the guest has written so far. */
  transcript(): string;
  /** The last lines of it, as plain text. */
  tail(): string;
  /**
   * Waits until the text since the last match matches, and consumes it up to the end of the match.
   * @param timeout milliseconds
   * @throws E_VM_CONSOLE_TIMEOUT, E_VM_CONSOLE_CLOSED; both show the last lines
   */
  waitFor(pattern: RegExp, timeout: number): Promise<RegExpExecArray>;
  /** Types text; `\n` is the Enter key. */
  send(text: string): void;
  /** Calls the listener with each piece of output as it comes; the result stops it. */
  onOutput(listener: (text: string) => void): () => void;
  close(): void;
}

export interface CommandResult {
  readonly output: string;
  readonly exitCode: number;
}

const TAIL_LINES = 15;

/** Wraps the stream of a serial port. */
export function openConsole(stream: Duplex): Console {
  let text = "";
  let consumed = 0;
  let closed = false;
  const listeners = new Set<(text: string) => void>();
  const changed = new Set<() => void>();
  const wake = (): void => {
    for (const check of changed) check();
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    for (const listener of listeners) listener(chunk);
    wake();
  });
  // "close" follows every error and tells those who wait.
  stream.on("error", () => stream.destroy());
  stream.on("close", () => {
    closed = true;
    wake();
  });
  const tail = (): string => plain(text).trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  const failure = (code: VmErrorCode, message: string): AshlarError<VmErrorCode> =>
    new AshlarError(code, `${message}; the console's last lines:\n${tail()}`);

  function waitFor(pattern: RegExp, timeout: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const done = (finish: () => void): void => {
        clearTimeout(timer);
        changed.delete(check);
        finish();
      };
      const timer = setTimeout(
        () => done(() => reject(failure("E_VM_CONSOLE_TIMEOUT", `no ${pattern} on the console within ${timeout} ms`))),
        timeout,
      );
      const check = (): void => {
        const match = pattern.exec(text.slice(consumed));
        if (match !== null) {
          consumed += match.index + match[0].length;
          done(() => resolve(match));
        } else if (closed) done(() => reject(failure("E_VM_CONSOLE_CLOSED", `the machine ended before ${pattern} was on its console`)));
      };
      changed.add(check);
      check();
    });
  }

  return {
    transcript: () => text,
    tail,
    waitFor,
    send: (typed) => void stream.write(typed),
    onOutput: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => void stream.destroy(),
  };
}

/**
 * Logs in at a getty and leaves a silent shell for {@link runCommand}.
 * @param timeout milliseconds until the prompt appears
 */
export async function logIn(console: Console, account: { user: string; password?: string }, timeout: number): Promise<void> {
  await console.waitFor(/login: ?$/, timeout);
  console.send(`${account.user}\n`);
  if (account.password !== undefined) {
    await console.waitFor(/[Pp]assword: ?$/, timeout);
    console.send(`${account.password}\n`);
  }
  await openShell(console, timeout);
}

/** What is typed while a shell sets up its terminal is lost, so it is typed again. */
const TYPE_AGAIN_MS = 15_000;

/** Makes a shell that already listens at the console silent: no echo, no prompt, no kernel messages. */
export async function openShell(console: Console, timeout: number): Promise<void> {
  const type = (): void => console.send("\nstty -echo; PS1=; PS2=; dmesg -n 1 2>/dev/null; echo shell-$((6*7))\n");
  const again = setInterval(type, TYPE_AGAIN_MS);
  try {
    type();
    await console.waitFor(/shell-42\r?\n/, timeout);
  } finally {
    clearInterval(again);
  }
}

/**
 * Runs a command in the shell of {@link openShell}.
 * @returns its output (both streams, without carriage returns and the last newline) and exit code
 */
export async function runCommand(console: Console, command: string, timeout = 60_000): Promise<CommandResult> {
  const mark = `mark-${randomBytes(6).toString("hex")}`;
  console.send(`echo ${mark}-begin; {\n${command}\n} 2>&1 </dev/null; echo ${mark}-end:$?\n`);
  const [, output = "", exitCode] = await console.waitFor(new RegExp(`${mark}-begin\\r?\\n([^]*?)${mark}-end:(\\d+)`), timeout);
  return { output: plain(output).replace(/\n$/, ""), exitCode: Number(exitCode) };
}

/** Text without carriage returns and terminal control sequences (ECMA-48 CSI and OSC). */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control sequences are what is removed
  return text.replace(/\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)|\u001bc|\r/g, "");
}
