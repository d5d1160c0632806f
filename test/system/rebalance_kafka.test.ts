// Processes of one app on a real Kafka join, leave, stand still and are killed while they copy a
// topic: nothing is lost, and nothing moves that need not. Run at length by
// long/rebalance.test.ts.
import assert from 'node:assert/strict'
import { after, suite, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { CopyGroup, type CopyGroupOptions } from '../support/copy_group.ts'
import type { CopyLife } from '../support/copy_life.ts'
import { describePauses } from '../support/copy_pauses.ts'
import { useKafka } from '../support/kafka.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  /** The least that usual brokers allow. */
  const sessionTimeoutMs = 6000
  const beyondSessionMs = sessionTimeoutMs + 2000

  const inGroup = async (
    t: TestContext,
    options: Pick<CopyGroupOptions, 'records' | 'rate'>,
    work: (group: CopyGroup) => Promise<void>,
  ): Promise<void> => {
    const settings = { sessionTimeoutMs }
    const broker = `kafka://${kafka.brokers}`
    const group = await CopyGroup.open({ broker, partitions: 6, settings, ...options })
    try {
      await work(group)
      await group.untilCommitted(group.source.records)
      const { copies, repeated } = await group.check()
      t.diagnostic(`${copies} copies, ${repeated} of them once more`)
      for (const line of describePauses(group.lives)) t.diagnostic(line)
    } finally {
      await group.close()
    }
  }

  const moved = (lives: readonly CopyLife[]): object[] =>
    lives.map((life) => ({
      generation: life.generation,
      assigned: life.logged('partitions assigned').length,
      revoked: life.logged('partitions revoked').length,
      lost: life.logged('partitions lost').length,
    }))

  // They mostly wait.
  suite('rebalances', { concurrency: 2 }, () => {
    test('workers join, leave, stand still and are killed, and nothing is lost', (t) =>
      inGroup(t, { records: 200_000, rate: 2000 }, async (group) => {
        const [first, second] = await group.startWorking({}, {})
        await group.untilCommitted(20_000)
        const [third] = await group.startWorking({})
        await group.untilCommitted(50_000)
        await first.leave()
        await group.startWorking({})
        second.stop()
        await setTimeout(beyondSessionMs)
        second.continue()
        await second.until(() => second.logged('partitions lost').length > 0)
        await second.until(() => second.logged('partitions assigned').length > 1)
        await third.kill()
        assert.ok((await group.committed()) < group.source.records, 'all was over before the end')
      }))

    test('a static worker that comes back within its session moves nothing', (t) =>
      inGroup(t, { records: 40_000, rate: 1000 }, async (group) => {
        const [first, second] = await group.startWorking({ instanceId: 'a' }, { instanceId: 'b' })
        await Promise.all([first, second].map((life) => life.until(() => life.held === 3)))
        const before = moved([first])
        await second.leave()
        const [again] = await group.startWorking({ instanceId: 'b' })
        assert.deepEqual(moved([first]), before)
        assert.equal(again.generation, first.generation)
        assert.equal(again.held, 3)
        await again.kill()
        const [third] = await group.startWorking({ instanceId: 'b' })
        await group.untilCommitted(group.source.records)
        assert.deepEqual(moved([first]), before)
        assert.equal(third.generation, first.generation)
      }))

    test('a main thread that is busy for longer than the session keeps its partitions', (t) =>
      inGroup(t, { records: 30_000, rate: 500 }, async (group) => {
        const lives = await group.startWorking({}, {})
        await Promise.all(lives.map((life) => life.until(() => life.held === 3)))
        const before = moved(lives)
        lives[0].block(beyondSessionMs)
        await group.untilCommitted(group.source.records)
        assert.deepEqual(moved(lives), before)
      }))

    test('a main thread that hangs gives its partitions to others, and comes back', (t) =>
      inGroup(t, { records: 40_000, rate: 500 }, async (group) => {
        const progress = { progressTimeoutMs: 2000 }
        const lives = await group.startWorking(progress, progress)
        const [hanging, other] = lives
        await Promise.all(lives.map((life) => life.until(() => life.held === 3)))
        hanging.block(5000)
        await other.until(() => other.held === group.source.partitions)
        assert.equal(hanging.logged('partitions lost').length, 0, 'it hangs no more')
        await hanging.until(() => hanging.logged('partitions lost').length === 1)
        await hanging.until(() => hanging.held === 3)
      }))
  })
}
