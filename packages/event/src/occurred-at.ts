const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** ClickHouse's DateTime64 begins here. */
const earliestMs = Date.UTC(1900, 0, 1);

/**
 * Microseconds since the epoch of an RFC 3339 time, or null when the text is none (RFC 3339 §5.6; a leap second counts
 * as the second after it). Digits beyond microseconds are cut.
 */
export function microsOfRfc3339(text: string): number | null {
  const match = rfc3339.exec(text);
  if (match === null) return null;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  if (hour > 23 || minute > 59 || second > 60 || part(9) > 23 || part(10) > 59) return null;
  const midnight = new Date(Date.UTC(year, month - 1, day));
  // Date.UTC takes 30 February for 1 March, and the years 0 to 99 for 1900 to 1999.
  const isThatDay = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
  if (!isThatDay || midnight.getUTCFullYear() !== year) return null;
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10));
  const ms = midnight.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000;
  const fractionMicros = Number((match[7] ?? '').padEnd(6, '0').slice(0, 6));
  if (ms < earliestMs) return null;
  return ms * 1000 + fractionMicros;
}

/** RFC 3339 in UTC with six digits of fraction. */
export function rfc3339OfMicros(micros: number): string {
  const ms = Math.floor(micros / 1000);
  const rest = micros - ms * 1000;
  return `${new Date(ms).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** RFC 3339 in UTC with three digits of fraction. */
export function rfc3339OfMillis(ms: number): string {
  return new Date(ms).toISOString();
}
