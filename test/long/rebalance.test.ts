// Five million records are copied by processes that join, leave, stand still and are killed, by a
// seed: nothing is lost, and partitions that stay where they are stand still for at most 500 ms.
// Static workers that restart and a main thread that is blocked for 20 s move nothing at all.
import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { seededRandom, systemClock } from '../../src/clock.ts'
import { CopyGroup } from '../support/copy_group.ts'
import type { CopyLife } from '../support/copy_life.ts'
import { describePauses, handoverMs, pausesOf } from '../support/copy_pauses.ts'
import { type CopyEvent, disturb } from '../support/copy_schedule.ts'
import { crashSeed } from '../support/crash_lives.ts'
import { useKafka } from '../support/kafka.ts'

const RECORDS = Number(process.env.EUPHORION_TEST_RECORDS ?? 5_000_000)
const PARTITIONS = 12
const RATE = 4000
const PAUSE_MS_MAX = 500
/** From Ctrl+C on a worker until others copy what it had. */
const HANDOVER_MS_MAX = 2000
const SESSION_MS = 6000
const BLOCKED_MS = 20_000
const MIB = 2 ** 20

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())

  const inGroup = async (
    t: TestContext,
    options: { readonly records: number; readonly rate: number },
    work: (group: CopyGroup) => Promise<CopyEvent[]>,
  ): Promise<void> => {
    const settings = { sessionTimeoutMs: SESSION_MS }
    const broker = `kafka://${kafka.brokers}`
    const group = await CopyGroup.open({ broker, partitions: PARTITIONS, settings, ...options })
    try {
      const events = await work(group)
      await group.untilCommitted(group.source.records)
      const { copies, repeated } = await group.check()
      t.diagnostic(`${copies} copies, ${repeated} of them once more`)
      for (const line of describePauses(group.lives)) t.diagnostic(line)
      const resident = Math.max(...group.lives.map((life) => life.residentBytesMax)) / MIB
      t.diagnostic(`${group.lives.length} processes, resident at most ${Math.round(resident)} MiB`)
      tellHandovers(t, group.lives, events)
      const [longest] = pausesOf(group.lives).filter(({ isInRebalance }) => isInRebalance)
      assert.ok((longest?.ms ?? 0) <= PAUSE_MS_MAX, JSON.stringify(longest))
    } finally {
      await group.close()
    }
  }

  /** What a process was told to do shows at once; that it was killed, after its session. */
  const tellHandovers = (
    t: TestContext,
    lives: readonly CopyLife[],
    events: readonly CopyEvent[],
  ): void => {
    for (const [index, { atMs, what }] of events.entries()) {
      const untilMs = events[index + 1]?.atMs ?? systemClock.now()
      const isOrderly = /^(join|leave)/.test(what)
      const ms = isOrderly ? handoverMs(lives, atMs, untilMs) : undefined
      t.diagnostic(ms === undefined ? what : `${what}: what moved went on after ${ms} ms`)
    }
  }

  const roundsOf = (lives: readonly CopyLife[]): unknown[] =>
    lives.map((life) => [life.generation, life.held, life.logged('partitions assigned').length])

  const allHeld = (lives: readonly CopyLife[]): Promise<unknown> =>
    Promise.all(lives.map((life) => life.until(() => life.held === PARTITIONS / lives.length)))

  test(`${RECORDS} records are copied while workers come and go`, (t) =>
    inGroup(t, { records: RECORDS, rate: RATE }, async (group) => {
      const seed = crashSeed()
      t.diagnostic(`seed ${seed}`)
      const lives = await group.startWorking({}, {}, {})
      return disturb(group, lives, {
        records: RECORDS * 0.9,
        random: seededRandom(seed),
        sessionTimeoutMs: SESSION_MS,
      })
    }))

  test('Ctrl+C on one of three workers hands over what it had within two seconds', (t) =>
    inGroup(t, { records: 300_000, rate: 1000 }, async (group) => {
      const lives = await group.startWorking({}, {}, {})
      await allHeld(lives)
      const events = []
      for (const life of lives.slice(0, 2)) {
        const atMs = systemClock.now()
        events.push({ atMs, what: `leave ${life.number}` })
        await life.leave()
        await setTimeout(2 * HANDOVER_MS_MAX)
        const ms = handoverMs(lives, atMs, systemClock.now())
        assert.ok(ms !== undefined && ms <= HANDOVER_MS_MAX, `${ms} ms`)
      }
      return events
    }))

  test('static workers that restart within their session move nothing', (t) =>
    inGroup(t, { records: 300_000, rate: 1000 }, async (group) => {
      const ids = ['a', 'b', 'c']
      const lives = await group.startWorking(...ids.map((instanceId) => ({ instanceId })))
      await allHeld(lives)
      for (const turn of [0, 1, 2, 0, 1, 2]) {
        const others = lives.filter((_, index) => index !== turn)
        const before = roundsOf(others)
        if (turn === 1) await lives[turn].kill()
        else await lives[turn].leave()
        const [again] = await group.startWorking({ instanceId: ids[turn] })
        lives[turn] = again
        assert.equal(again.held, PARTITIONS / ids.length)
        assert.deepEqual(roundsOf(others), before)
        assert.equal(again.generation, others[0].generation)
      }
      return []
    }))

  test('a main thread that is blocked for 20 s causes no rebalance', (t) =>
    inGroup(t, { records: 200_000, rate: 500 }, async (group) => {
      const lives = await group.startWorking({}, {}, {})
      await allHeld(lives)
      const before = roundsOf(lives)
      lives[0].block(BLOCKED_MS)
      await group.untilCommitted(group.source.records)
      assert.deepEqual(roundsOf(lives), before)
      return []
    }))
}
