// Times and sizes as people read them.

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** How long it is, in one unit: `12 s`, `5 min`, `3 h`, `2 days`. */
export function long(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < minute) return `${Math.floor(whole)} s`;
  if (whole < hour) return `${Math.floor(whole / minute)} min`;
  if (whole < 2 * day) return `${Math.floor(whole / hour)} h`;
  return counted(Math.floor(whole / day), "day");
}

/** A size with two digits that matter: `512 KiB`, `1.4 GiB`. */
export function size(bytes: number): string {
  let value = bytes;
  for (const unit of ["bytes", "KiB", "MiB", "GiB"]) {
    if (value < 1000)
      return `${value < 10 && unit !== "bytes" ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1024;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} TiB`;
}

/** A share of 1 in percent, never more than there is: 99.9 % is not yet 100 %. */
export const percent = (share: number): string => `${Math.floor(share * 100)} %`;

/** A day: `2027-01-31`. */
export const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

export { counted };
