// W1 on three brokers behind a proxy, while leaders move, brokers die and connections break: it
// ends by itself, and every cell is exact. What is written meanwhile is stored once.
import { after, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { seededRandom } from '../../src/clock.ts'
import type { PageViewOptions } from '../../src/tune/workload.ts'
import { crashSeed } from '../support/crash_lives.ts'
import { type FedRun, runFed } from '../support/fed_run.ts'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { leaderOf, moveLeader } from '../support/kafka_admin.ts'
import { FaultProxy } from '../support/proxy.ts'

if (await canStartKafka()) {
  const proxy = await FaultProxy.open(3)
  const listeners = { FAULTY: { advertisedPorts: proxy.ports } }
  const kafka = await startKafka({ brokers: 3, listeners })
  proxy.lead(kafka.ports('FAULTY'))
  after(async () => {
    await proxy.close()
    await kafka.stop()
  })
  const views: PageViewOptions = { events: 60_000, batchRecords: 250, seed: 31 }
  const run = (during: (run: FedRun) => Promise<void>): Promise<void> => {
    proxy.rules = {}
    const broker = `kafka://${kafka.addresses('FAULTY')}`
    const settings = { sessionTimeoutMs: 3000 }
    return runFed({ direct: kafka.brokers, broker, views, settings }, during)
  }
  const limit = { timeout: 90_000 }

  describe('W1 while', () => {
    test('leaders move from broker to broker', limit, () =>
      run(async ({ topic, feed }) => {
        for (const partition of [0, 1, 2]) {
          const leader = await leaderOf(kafka.brokers, topic, partition)
          const feeding = feed(5)
          await moveLeader(kafka.brokers, topic, partition, (leader % 3) + 1)
          await feeding
        }
      }),
    )

    test('a broker is stopped and started, then another is killed and started', limit, () =>
      run(async ({ feed }) => {
        await feed(10)
        const [first, second] = kafka.nodes
        const feeding = feed(4)
        await first.stop()
        await feeding
        await Promise.all([feed(4), first.start()])
        const more = feed(4)
        await second.kill()
        await Promise.all([more, second.start()])
      }),
    )

    test('connections are cut behind random bytes of requests and responses', limit, (t) => {
      const seed = crashSeed()
      t.diagnostic(`EUPHORION_TEST_SEED=${seed}`)
      const random = seededRandom(seed)
      return run(async ({ feed, consumed }) => {
        const cutSome = ({ bytes }: { bytes: number }) =>
          random() < 0.04 ? { cutAfter: Math.floor(random() * bytes) } : undefined
        proxy.rules = { request: cutSome, response: cutSome }
        for (let turn = 0; turn < 10; turn++) {
          await feed(10)
          proxy.cut(Math.floor(random() * 3))
          await consumed()
        }
      })
    })

    test('ports lead to other brokers for a second', limit, () =>
      run(async ({ feed, consumed }) => {
        const ports = kafka.ports('FAULTY')
        await feed(4)
        await consumed()
        proxy.lead([ports[1], ports[2], ports[0]])
        proxy.cut()
        const feeding = feed(4)
        await wait(1000)
        proxy.lead(ports)
        proxy.cut()
        await feeding
      }),
    )

    test('a broker stands still for longer than its session', limit, () =>
      run(async ({ feed }) => {
        await feed(4)
        kafka.nodes[2].pause()
        const feeding = feed(4)
        await wait(4000)
        kafka.nodes[2].resume()
        await feeding
      }),
    )
  })
}
