// A process with transactions on the embedded log is killed at random points: every transaction is
// there as a whole or not at all, with its offset.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Random, seededRandom } from '../../src/clock.ts'
import type { EmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import { inDirectory, readAll, withLog } from '../support/embedded.ts'
import { values } from '../support/log.ts'

const program = fileURLToPath(new URL('./log_writer.js', import.meta.url))
const partitions = 3
const lives = 8
const writers = [0, 1]

/** Numbers that each writer has said to have committed last. */
async function runAndKill(directory: string, fsync: string, random: Random): Promise<number[]> {
  const child = fork(program, [directory, fsync])
  const told = [0, 0]
  const after = 2 + Math.floor(random() * 20)
  let seen = 0
  child.on('message', ([writer, number]: [number, number]) => {
    told[writer] = number
    if (++seen === after) setTimeout(() => child.kill('SIGKILL'), random() * 8)
  })
  const [code, signal] = await once(child, 'close')
  assert.equal(signal ?? code, 'SIGKILL')
  return told
}

const numbersOf = (texts: readonly (string | null)[], writer: number) =>
  texts.map((text) => text!.split(' ').map(Number)).filter(([by]) => by === writer)

async function check(log: EmbeddedLog, last: number[]): Promise<void> {
  for (const writer of writers) {
    const at = (await log.committed(`group-${writer}`, `source-${writer}`)).get(0) ?? 0
    assert.ok(at >= last[writer], `${at} is the offset, ${last[writer]} was told`)
    last[writer] = at
  }
  for (let partition = 0; partition < partitions; partition++) {
    const texts = values(await readAll(log, 'out', partition))
    const compacted = values(await readAll(log, 'compacted', partition))
    for (const writer of writers) {
      const numbers = numbersOf(texts, writer).map(([, number]) => number)
      const expected = Array.from({ length: last[writer] }, (_, i) => i + 1)
      assert.deepEqual(
        numbers,
        expected.filter((number) => number % 3 !== 0),
      )
      const newest = numbersOf(compacted, writer).map(([, number]) => number)
      for (let key = 0; key < 7; key++) {
        const is = (number: number): boolean => number % 7 === key
        assert.equal(newest.filter(is).pop(), numbers.filter(is).pop(), `key ${key}`)
      }
    }
  }
}

for (const fsync of ['never', 'interval', 'always'] as const)
  test(`fsync ${fsync}: after kill -9 a transaction is there as a whole or not at all`, (t) =>
    inDirectory(async (directory) => {
      const seed = (process.pid * 7919) >>> 0
      t.diagnostic(`seed ${seed}`)
      const random = seededRandom(seed)
      await withLog(directory, {}, async (log) => {
        for (const writer of writers) await log.createTopic(`source-${writer}`, { partitions: 1 })
        await log.createTopic('out', { partitions, config: { segmentBytes: 4000 } })
        const config = { cleanup: 'compact', segmentBytes: 4000 } as const
        await log.createTopic('compacted', { partitions, config })
      })
      const last = [0, 0]
      for (let life = 0; life < lives; life++) {
        const told = await runAndKill(directory, fsync, random)
        for (const writer of writers) last[writer] = Math.max(last[writer], told[writer])
        await withLog(directory, { fsync }, (log) => check(log, last))
      }
      assert.ok(last[0] > lives && last[1] > lives, `too little happened: ${last}`)
    }))
