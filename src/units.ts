// Durations and sizes as people write them ('10s', '1.5 h', '64 KiB') read into milliseconds and
// bytes. Called by settings, timers and windows.

/** Whole milliseconds, or text: '250ms', '10s', '5m', '1.5h', '7d'. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
}

/**
 * Whole milliseconds of '250ms', '10s', '5m', '1.5h', '7d', or undefined where the text is no
 * duration. Without a unit it is milliseconds.
 */
export function parseDuration(text: number | string): number | undefined {
  return parse(text, durationUnits, 'ms')
}

/** Bytes ('1 MiB' is 1,048,576, '1 MB' a million), or undefined where the text is no size. */
export function parseBytes(text: number | string): number | undefined {
  return parse(text, byteUnits, '')
}

function parse(
  text: number | string,
  units: Readonly<Record<string, number>>,
  bare: string,
): number | undefined {
  if (typeof text === 'number') return whole(text)
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  if (match === null) return undefined
  const factor = units[match[2].toLowerCase() || bare]
  // Rounded so far that only the error of the multiplication goes: '1.1s' is 1100.
  return factor === undefined ? undefined : whole(Number((Number(match[1]) * factor).toFixed(3)))
}

function whole(number: number): number | undefined {
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** '1.5 h', '250 ms': the largest unit that needs at most one decimal. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const value = ms / durationUnits[unit]
    if (value >= 1 && Number.isInteger(value * 10)) return `${value} ${unit}`
  }
  return `${ms} ms`
}

/** '64 KiB', '1.5 MiB'. */
export function formatBytes(bytes: number): string {
  for (const [unit, name] of [
    ['gib', 'GiB'],
    ['mib', 'MiB'],
    ['kib', 'KiB'],
  ] as const) {
    const value = bytes / byteUnits[unit]
    if (value >= 1) return `${Math.round(value * 10) / 10} ${name}`
  }
  return `${bytes} B`
}
