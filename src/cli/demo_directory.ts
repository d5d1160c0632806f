// The directory of `euphorion demo`: begun afresh by each demo, and never one that is somebody
// else's.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EuphorionError } from '../errors.ts'

const MARK = '.euphorion-demo'

/**
 * Empties the directory of an earlier demo, or makes a new one. Rejects with USAGE where it holds
 * other things.
 */
export function prepareDemoDirectory(path: string): void {
  if (existsSync(path) && !existsSync(join(path, MARK)) && readdirSync(path).length > 0) {
    const message = `${path} is not empty and no demo made it: choose another --dir`
    throw new EuphorionError('USAGE', message, { place: { path } })
  }
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  writeFileSync(
    join(path, MARK),
    'Made by `euphorion demo`, which empties it when it starts again.\n',
  )
}
