/** Parsers of numbers on the command line. What they throw becomes part of the usage error. */

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `8G` → bytes. K, M, G and T are powers of 1024, as in `qemu-img` and `truncate`. */
export function parseSize(input: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(input);
  const unit = UNITS[match?.[2]?.toUpperCase() ?? ""];
  if (match === null || unit === undefined) throw new Error(`"${input}" is not a size; write 8G or 512M`);
  return Math.ceil(Number(match[1]) * unit);
}

/** A TCP port, 1 to 65535. */
export function parsePort(input: string): number {
  const port = /^\d{1,5}$/.test(input) ? Number(input) : 0;
  if (port < 1 || port > 65_535) throw new Error(`"${input}" is not a port; ports are 1 to 65535`);
  return port;
}

export interface PortForward {
  readonly host: number;
  readonly guest: number;
}

/** `8080:80`: port 8080 of this host leads to port 80 of the machine. */
export function parseForward(input: string): PortForward {
  const [host, guest, ...rest] = input.split(":");
  if (host === undefined || guest === undefined || rest.length > 0) throw new Error(`"${input}" is not HOST:GUEST, such as 8080:80`);
  return { host: parsePort(host), guest: parsePort(guest) };
}

/** A whole number from 1. */
export function parseCount(input: string): number {
  if (!/^[1-9]\d{0,4}$/.test(input)) throw new Error(`"${input}" is not a whole number from 1`);
  return Number(input);
}
