// Durations and sizes as people write them ('10s', '1.5 h', '64 KiB') read into milliseconds and
// bytes. Called by settings, timers and windows.

/** Milliseconds, or text: '250ms', '10s', '5m', '1.5h', '7d'. */
export type Duration = number | string

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
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

/** Milliseconds, or undefined where the text is no duration. Text without a unit is milliseconds. */
export function parseDuration(text: Duration): number | undefined {
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
  if (typeof text === 'number') return Number.isFinite(text) ? text : undefined
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text.trim())
  if (match === null) return undefined
  const factor = units[match[2].toLowerCase() || bare]
  return factor === undefined ? undefined : Math.round(Number(match[1]) * factor)
}

/** '1.5 h', '250 ms': the largest unit that needs at most one decimal. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'min', 's']) {
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
