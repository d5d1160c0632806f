// The Mandelbrot set by pure Python, NumPy, Numba, Cython, C and by Euphorion's backends. Called by
// peers.ts.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { checkShape } from '../../src/kernel/mandelbrot/shape.ts'
import { benchMandelbrot, instructionSetOf } from '../../src/tune/mandelbrot_bench.ts'
import { conditions, root } from '../report/checkout.ts'
import type { RunOptions } from './peers.ts'
import { lastLine, type Ran, runProgram } from './python.ts'
import { type PeerRow, timesOf } from './results.ts'

interface Size {
  readonly nx: number
  readonly ny: number
  readonly iterations: number
}

const small: Size = { nx: 320, ny: 240, iterations: 255 }
const large: Size = { nx: 1920, ny: 1440, iterations: 1000 }
const smoke: Size = { nx: 48, ny: 36, iterations: 60 }

interface Peer {
  readonly name: string
  /** Takes minutes for the large image: left out there. */
  readonly isSlow: boolean
  /** Runs at most; what takes long varies little. */
  readonly runs?: number
}

const peers: readonly Peer[] = [
  { name: 'python', isSlow: true, runs: 2 },
  { name: 'cython-as-is', isSlow: true, runs: 2 },
  { name: 'numpy', isSlow: false, runs: 2 },
  { name: 'numba', isSlow: false },
  { name: 'cython', isSlow: false },
  { name: 'c', isSlow: false },
]

const sources = join(root, 'bench/peers/mandelbrot')

export const sizeText = ({ nx, ny, iterations }: Size): string => `${nx}x${ny}x${iterations}`

/** Times all; rows of peers that are not there are missing, with a line that says why. */
export async function mandelbrotPeers(options: RunOptions): Promise<readonly PeerRow[]> {
  const rows: PeerRow[] = []
  for (const size of options.isSmoke ? [smoke] : [small, large]) {
    options.say(`Euphorion, ${sizeText(size)}`)
    const own = await ownRows(size, options)
    rows.push(...own)
    for (const peer of peers) {
      if (peer.isSlow && size === large) continue
      options.say(`${peer.name}, ${sizeText(size)}`)
      const row = await peerRow(peer, size, own[0].sha256, options)
      if (row !== undefined) rows.push(row)
    }
  }
  return rows
}

async function ownRows(size: Size, { runs, say }: RunOptions): Promise<PeerRow[]> {
  checkShape(size)
  const { times, counts } = await benchMandelbrot(size, { runs, shortcuts: true })
  const sha256 = hashOf(Buffer.from(counts.buffer))
  const common = { workload: 'mandelbrot', size: sizeText(size), sha256, ...conditions() }
  return times.map(({ variant, ms, isIdentical }) => {
    const { backend, instructionSet = instructionSetOf(backend), threads, shortcuts } = variant
    if (!isIdentical) say(`${backend}: other counts than the plain loop`)
    const peer = `euphorion ${backend}`
    const version = `${instructionSet}${shortcuts ? ', shortcuts' : ''}`
    return { ...common, peer, version, threads, ...timesOf(ms), identical: isIdentical }
  })
}

async function peerRow(
  peer: Peer,
  size: Size,
  expected: string,
  { python, runs, say }: RunOptions,
): Promise<PeerRow | undefined> {
  mkdirSync(python.directory, { recursive: true })
  const countsFile = join(python.directory, `${peer.name}-${process.pid}.counts`)
  const { nx, ny, iterations } = size
  const words = [nx, ny, iterations, Math.min(runs, peer.runs ?? runs)].map(String)
  try {
    const ran =
      peer.name === 'c'
        ? await runC([...words, countsFile], python.directory)
        : await runProgram(python.command, [
            join(sources, 'peer.py'),
            peer.name,
            ...words,
            join(python.directory, 'cython'),
            countsFile,
          ])
    if (ran.code !== 0) {
      say(`  left out: ${lastLine(ran.err)}`)
      return undefined
    }
    const { ms, version } = JSON.parse(ran.out) as { ms: number[]; version: string }
    const sha256 = hashOf(readFileSync(countsFile))
    const identical = sha256 === expected
    if (!identical) say('  other counts than the plain loop')
    return {
      workload: 'mandelbrot',
      size: sizeText(size),
      peer: peer.name,
      version,
      threads: 1,
      ...timesOf(ms),
      sha256,
      identical,
      ...conditions(),
    }
  } finally {
    rmSync(countsFile, { force: true })
  }
}

/** Contraction would change counts: gcc does it where the target has FMA. */
async function runC(args: readonly string[], directory: string): Promise<Ran> {
  const program = join(directory, 'plain')
  const source = join(sources, 'plain.c')
  const build = ['-O3', '-ffp-contract=off', '-o', program, source]
  const built = await runProgram('cc', build)
  return built.code === 0 ? await runProgram(program, args) : built
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
