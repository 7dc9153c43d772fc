/** Widths of text on a terminal, where a CJK ideograph takes two cells and a combining mark none. */

const ZERO_WIDTH = /^(?:\p{Mn}|\p{Me}|\p{Cf})$/u;
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}])$/u;
const CONTROL = /\p{Cc}/gu;

/** Terminal cells that `text` takes. Text must hold no escape sequences: colour after measuring. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** At most `width` cells of `text`, the last of them `…` when something was cut. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width) break;
    kept += character;
  }
  return `${kept}…`;
}

/** `text` with spaces up to `width` cells. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + space : space + text;
}

/** `text` without control characters, so that names from outside cannot move the cursor or colour the screen. */
export function printable(text: string): string {
  return text.replace(CONTROL, "\u{fffd}");
}

/** The same for text of several lines: its newlines stay. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function characterWidth(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
