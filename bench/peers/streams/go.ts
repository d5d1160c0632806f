// The consumer written by hand in Go: compiled into the cache. Called by engines.ts.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../report/checkout.ts'
import { lastLine, peersDirectory, runProgram } from '../python.ts'
import { Missing, type Tools } from './missing.ts'

export async function goProgram({ mayFetch }: Tools): Promise<readonly string[]> {
  if ((await runProgram('go', ['version'])).code !== 0) throw new Missing('there is no go')
  const directory = join(peersDirectory, 'go')
  mkdirSync(directory, { recursive: true })
  const program = join(directory, 'peer')
  const source = join(root, 'bench/peers/go')
  const build = ['-C', source, 'build', '-mod=readonly', '-o', program, '.']
  const proxy = mayFetch ? {} : { GOPROXY: 'off' }
  const built = await runProgram('go', build, { ...process.env, ...proxy })
  if (built.code === 0) return [program]
  const advice = mayFetch ? '' : '; --install fetches modules'
  throw new Missing(`go build: ${lastLine(built.err)}${advice}`)
}
