import type { CommandGroup } from "./commands.ts";
import type { CommandDoc } from "./parameters.ts";
import { describeCommands } from "./parameters.ts";

/** The completion script of a shell for the whole table. Words that are not flags complete as files. */
export function completionScript(shell: "bash" | "zsh" | "fish", groups: readonly CommandGroup[]): string {
  const commands = describeCommands(groups);
  if (shell === "bash") return bashScript(commands);
  return shell === "zsh" ? zshScript(commands) : fishScript(commands);
}

function bashScript(commands: readonly CommandDoc[]): string {
  const cases = commands.map((command) => {
    const flags = command.flags.map((flag) => `--${flag.name}`).join(" ");
    return `    "${command.name}") flags="${flags} --help" ;;`;
  });
  const values = commands
    .flatMap((command) => command.flags)
    .filter((flag) => flag.values.length > 0)
    .map((flag) => `    --${flag.name}) COMPREPLY=($(compgen -W "${flag.values.join(" ")}" -- "$word")); return ;;`);
  return `# bash completion for ashlar
_ashlar() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} flags
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${firstWords(commands).join(" ")} --help --version" -- "$word"))
    return
  fi
  case $command in
${nounCases(commands)}
  esac
  case \${COMP_WORDS[COMP_CWORD - 1]} in
${[...new Set(values)].join("\n")}
  esac
  case $command in
${cases.join("\n")}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _ashlar ashlar ./ashlar
`;
}

/** Commands of two words: the second word is completed from the verbs of the first. */
function nounCases(commands: readonly CommandDoc[]): string {
  const nouns = [...new Set(commands.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0] ?? ""))];
  const cases = nouns.map((noun) => {
    const verbs = commands.filter(({ name }) => name.startsWith(`${noun} `)).map(({ name }) => name.slice(noun.length + 1));
    const reply = `COMPREPLY=($(compgen -W "${verbs.join(" ")}" -- "$word")); return`;
    return `    ${noun}) if ((COMP_CWORD == 2)); then ${reply}; fi; command="${noun} \${COMP_WORDS[2]}" ;;`;
  });
  return cases.length === 0 ? "    *) ;;" : cases.join("\n");
}

function zshScript(commands: readonly CommandDoc[]): string {
  const described = commands.map((command) => `    ${quote(`${command.name.split(" ")[0]}:${command.entry.brief}`)}`);
  const cases = commands.map((command) => {
    const flags = command.flags.map((flag) => {
      const value =
        flag.placeholder === undefined ? "" : `:${flag.name}:${flag.values.length > 0 ? `(${flag.values.join(" ")})` : "_files"}`;
      return `      ${quote(`--${flag.name}[${flag.brief.replace(/[[\]:]/g, " ")}]${value}`)}`;
    });
    return `    ${quote(command.name)})\n      _arguments \\\n${flags.join(" \\\n")} \\\n      '--help[Show help]' '*:file:_files' ;;`;
  });
  const nouns = commands.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0]);
  return `#compdef ashlar
# zsh completion for ashlar
_ashlar() {
  local -a commands=(
${[...new Set(described)].join("\n")}
  )
  if ((CURRENT == 2)); then _describe command commands; return; fi
  local command=$words[2]
  case $command in
    (${nouns.length === 0 ? "''" : [...new Set(nouns)].join("|")}) command="$command $words[3]" ;;
  esac
  case $command in
${cases.map((text) => text.replace(/^ {4}/, "    (")).join("\n")}
  esac
}
compdef _ashlar ashlar
`;
}

function fishScript(commands: readonly CommandDoc[]): string {
  const lines = commands.flatMap((command) => {
    const [first = "", second] = command.name.split(" ");
    const seen = `__fish_seen_subcommand_from ${first}`;
    const start =
      second === undefined
        ? [`complete -c ashlar -n __fish_use_subcommand -a ${first} -d ${quote(command.entry.brief)}`]
        : [
            `complete -c ashlar -n __fish_use_subcommand -a ${first}`,
            `complete -c ashlar -n ${quote(seen)} -a ${second} -d ${quote(command.entry.brief)}`,
          ];
    const flags = command.flags.map((flag) => {
      const value = flag.placeholder === undefined ? "" : flag.values.length > 0 ? ` -x -a ${quote(flag.values.join(" "))}` : " -r";
      return `complete -c ashlar -n ${quote(seen)} -l ${flag.name}${value} -d ${quote(flag.brief)}`;
    });
    return [...start, ...flags];
  });
  return `# fish completion for ashlar\n${[...new Set(lines)].join("\n")}\n`;
}

function firstWords(commands: readonly CommandDoc[]): string[] {
  return [...new Set(commands.map((command) => command.name.split(" ")[0] ?? ""))];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
