/** apt's reason why packages cannot be installed together, for people. */

/**
 * The explanation of apt's solver as indented lines, without architectures and jargon:
 *
 *     postfix is not possible because:
 *       exim4-daemon-light 4.98.2-1 is wanted
 *       postfix conflicts with mail-transport-agent
 */
export function readableReasons(output: string): string[] {
  const lines = output.split("\n");
  const explanation = lines.filter((line) => /^ +\d+\. /.test(line) || /^ +\[selected /.test(line));
  if (explanation.length > 0) {
    const indent = Math.min(...explanation.map((line) => line.search(/\S/)));
    return explanation.map((line) => inWords(line.slice(indent)));
  }
  const errors = lines.filter((line) => line.startsWith("E: ")).map((line) => line.slice("E: ".length));
  return errors.length > 0 ? errors : [output.trim()];
}

function inWords(line: string): string {
  return line
    .replace(/\d+\. /, "")
    .replaceAll(/([a-z0-9][a-z0-9+.-]*):[a-z0-9]+(?==|\b)/g, "$1")
    .replaceAll(/([a-z0-9+.-]+)=([^\s\]]+)/g, "$1 $2")
    .replace(/is not selected for install because:/, "is not possible because:")
    .replace(/is selected for install$/, "is wanted")
    .replace(/is selected for install because:/, "is wanted because:")
    .replace(/ (Conflicts|Breaks) /, " conflicts with ")
    .replace(/ (Depends|PreDepends|Recommends) /, " needs ");
}
