import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";

export const completionCommand = defineCommand<NoFlags, ["bash" | "zsh" | "fish"]>({
  brief: "Print the completion script of a shell",
  description: "Prints a script that completes commands and flags. It is made from the command table, so it needs nothing at run time.",
  examples: [
    { arguments: "completion bash > /etc/bash_completion.d/ashlar", does: "for everybody who uses bash" },
    { arguments: "completion fish > ~/.config/fish/completions/ashlar.fish", does: "for yourself in fish" },
  ],
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "bash, zsh or fish", placeholder: "SHELL", parse: parseShell }],
    },
  },
  async run(_flags, [shell], { groups }) {
    const { completionScript } = await import("../completion.ts");
    const script = completionScript(shell, groups);
    return { json: { shell, script }, text: script.trimEnd() };
  },
});

function parseShell(input: string): "bash" | "zsh" | "fish" {
  if (input === "bash" || input === "zsh" || input === "fish") return input;
  throw new Error(`there is completion for bash, zsh and fish, not for "${input}"`);
}
