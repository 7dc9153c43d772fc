/**
 * Weekly windows of time, as people write them: "02:00-04:00", "Sat,Sun 22:00-06:00", "Mon..Fri 01:30-05:00". Days are those on
 * which the window begins; one that ends before it begins ends on the next day.
 */

export interface TimeWindow {
  /** 0 is Sunday, as in Date; sorted. */
  readonly days: readonly number[];
  /** Minutes since midnight. */
  readonly from: number;
  /** Minutes; more than `from`, at most one day later. */
  readonly length: number;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const DAY_NAME = DAYS.join("|");
const DAY_ITEM = `(?:${DAY_NAME})(?:\\.\\.(?:${DAY_NAME}))?`;
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d";
const WINDOW = new RegExp(`^(?:(${DAY_ITEM}(?:,${DAY_ITEM})*) )?(${TIME})-(${TIME}|24:00)$`);
const MINUTES_PER_DAY = 1440;

/** Undefined for what is no window, and for one that has no length. */
export function parseTimeWindow(text: string): TimeWindow | undefined {
  const [, days, begin = "", end = ""] = WINDOW.exec(text) ?? [];
  if (begin === "") return undefined;
  const from = minutesOf(begin);
  const length = (minutesOf(end) - from + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  const whole = begin === "00:00" && end === "24:00";
  if (length === 0 && !whole) return undefined;
  return { days: days === undefined ? [0, 1, 2, 3, 4, 5, 6] : daysOf(days), from, length: whole ? MINUTES_PER_DAY : length };
}

/** Whether a moment lies in a window, by the local time of this process. */
export function isWithinWindow({ days, from, length }: TimeWindow, when: Date): boolean {
  const minute = when.getHours() * 60 + when.getMinutes();
  const today = days.includes(when.getDay()) && minute >= from && minute < from + length;
  const yesterday = days.includes((when.getDay() + 6) % 7) && minute + MINUTES_PER_DAY < from + length;
  return today || yesterday;
}

/** Its beginnings as systemd.time(7) has them: "Sat,Sun 22:00". */
export function windowCalendar({ days, from }: TimeWindow): string {
  const time = `${String(Math.floor(from / 60)).padStart(2, "0")}:${String(from % 60).padStart(2, "0")}`;
  return days.length === 7 ? `*-*-* ${time}` : `${days.map((day) => DAYS[day]).join(",")} *-*-* ${time}`;
}

function minutesOf(time: string): number {
  const [hours = "", minutes = ""] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
}

/** "Fri..Mon" goes over the end of the week. */
function daysOf(text: string): number[] {
  const days = text.split(",").flatMap((item) => {
    const [first = "", last = first] = item.split("..");
    const [begin, end] = [DAYS.indexOf(first), DAYS.indexOf(last)];
    return Array.from({ length: ((end - begin + 7) % 7) + 1 }, (_unused, at) => (begin + at) % 7);
  });
  return [...new Set(days)].sort((a, b) => a - b);
}
