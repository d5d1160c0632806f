// The version of this package. Shown by the command line, and part of what caches are valid for.
import { readFileSync } from 'node:fs'

/** As package.json has it; 'unknown' in a bundle without one. */
export function packageVersion(): string {
  // Seen from src; compiled, in dist/src, it is one level more.
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {}
  }
  return 'unknown'
}
