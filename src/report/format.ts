/** Numbers as people read them. Decimal units (1 kB = 1000 bytes) as `ls --si`, apt and disk makers use them. */

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/**
 * `1234567` → `1.23 MB`; three significant digits, never more than 8 characters.
 * @param bytes a count of bytes; a negative one keeps its sign
 */
export function formatBytes(bytes: number): string {
  const sign = bytes < 0 ? "-" : "";
  let value = Math.abs(bytes);
  let unit = 0;
  // 999.5 would be rounded to "1000", which belongs to the next unit.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${sign}${unit === 0 ? String(value) : threeDigits(value)} ${BYTE_UNITS[unit]}`;
}

/**
 * `400` → `0.4 s`, `83_000` → `1 min 23 s`, `7_500_000` → `2 h 05 min`.
 * @param milliseconds a length of time
 */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 995) return `${(Math.max(0, milliseconds) / 1000).toFixed(2)} s`;
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** `formatCount(1, "package")` → `1 package`; `formatCount(12345, "file")` → `12,345 files`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${groupDigits(count)} ${count === 1 ? singular : plural}`;
}

/** `12345` → `12,345`, whatever the locale. */
export function groupDigits(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
