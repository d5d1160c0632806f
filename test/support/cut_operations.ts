// Operations of a log that go through a cut of any response, and are checked afterwards. Called by
// the test of cut connections and, behind every byte, by the long one.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import type { Log } from '../../src/log/log.ts'
import { type ApiName, sweepCuts } from './cut_sweep.ts'
import { type KafkaCluster, startKafka } from './kafka.ts'
import { createTopic } from './kafka_admin.ts'
import { testUser } from './kafka_properties.ts'
import { deferred, numbered, openConsumer, Reader, unique, values } from './log.ts'
import { FaultProxy } from './proxy.ts'

const hasty = {
  reconnectBackoff: { firstMs: 1, mostMs: 10 },
  retryBackoff: { firstMs: 1, mostMs: 10 },
}

/** A broker behind a proxy, with a way in for those who sign in. */
export class CutPlace {
  readonly kafka: KafkaCluster
  readonly proxy: FaultProxy

  private constructor(kafka: KafkaCluster, proxy: FaultProxy) {
    this.kafka = kafka
    this.proxy = proxy
  }

  static async open(): Promise<CutPlace> {
    const proxy = await FaultProxy.open(2)
    const [port, signedPort] = proxy.ports
    const kafka = await startKafka({
      listeners: {
        FAULTY: { advertisedPorts: [port] },
        SIGNED: { advertisedPorts: [signedPort], sasl: ['SCRAM-SHA-256'] },
      },
    })
    proxy.lead([...kafka.ports('FAULTY'), ...kafka.ports('SIGNED')])
    return new CutPlace(kafka, proxy)
  }

  /** Tries again sooner than programs do. */
  open(): Promise<Log> {
    return openKafkaLog({ brokers: [this.kafka.addresses('FAULTY')], ...hasty })
  }

  openSigned(): Promise<Log> {
    const sasl = { mechanism: 'scram-sha-256', ...testUser } as const
    return openKafkaLog({ brokers: [this.kafka.addresses('SIGNED')], ...hasty, sasl })
  }

  async newTopic(): Promise<string> {
    const topic = unique('cuts')
    await createTopic(this.kafka.brokers, topic, { config: { 'retention.ms': '-1' } })
    return topic
  }

  async close(): Promise<void> {
    await this.proxy.close()
    await this.kafka.stop()
  }
}

const limit = { timeout: 600_000 }

/** The tests; `cuts` of each kind of response, or behind every byte. */
export function cutTests(place: () => CutPlace, cuts?: number): void {
  /** One sweep; the log is opened before it. */
  const sweep = (api: ApiName, name: string, prepare: Prepare) =>
    test(`${api}: ${name}`, limit, async (t) => {
      const here = place()
      const log = await here.open()
      try {
        const { operation, check, bytesMin } = await prepare(here, log)
        const done = await sweepCuts({ proxy: here.proxy, api, cuts, bytesMin }, operation)
        t.diagnostic(`${done} cuts`)
        await check?.()
      } finally {
        here.proxy.rules = {}
        await log.close()
      }
    })

  describe('a response that is cut', () => {
    for (const api of ['apiVersions', 'metadata'] as const)
      sweep(api, 'a log is opened', async (here) => ({
        operation: async () => {
          const log = await here.open()
          await log.topics()
          await log.close()
        },
      }))
    for (const api of ['saslHandshake', 'saslAuthenticate'] as const)
      sweep(api, 'a log is opened by one who signs in', async (here) => ({
        operation: async () => {
          const log = await here.openSigned()
          await log.topics()
          await log.close()
        },
      }))
    sweep('listOffsets', 'offsets are told', async (here, log) => {
      const topic = await here.newTopic()
      const expected = [{ partition: 0, earliest: 0, latest: 0 }]
      return {
        operation: async () => assert.deepEqual(await log.offsets(topic), expected),
      }
    })
    for (const api of ['findCoordinator', 'offsetFetch'] as const)
      sweep(api, 'what a group has committed is told', async (here, log) => {
        const topic = await here.newTopic()
        return {
          operation: async () => assert.equal((await log.committed(unique('g'), topic)).size, 0),
        }
      })
    for (const api of ['initProducerId', 'produce'] as const)
      sweep(api, 'records are stored once, in order', prepareProduce)
    sweep('fetch', 'records are read once, in order', prepareFetch)
    for (const api of ['joinGroup', 'syncGroup', 'offsetCommit', 'leaveGroup'] as const)
      sweep(api, 'a consumer comes, commits and goes', prepareConsumer)
  })
}

interface Sweep {
  readonly operation: () => Promise<void>
  readonly check?: () => Promise<void>
  readonly bytesMin?: number
}

type Prepare = (here: CutPlace, log: Log) => Promise<Sweep>

async function prepareProduce(here: CutPlace, log: Log): Promise<Sweep> {
  const topic = await here.newTopic()
  let stored = 0
  return {
    operation: async () => {
      const producer = await log.producer()
      const appends = [0, 3, 6].map((more) =>
        producer.append(topic, 0, numbered(3, 'v', stored + more)),
      )
      assert.deepEqual(await Promise.all(appends), [stored, stored + 3, stored + 6])
      await producer.close()
      stored += 9
    },
    check: async () => {
      const found: (string | null)[] = []
      while (found.length < stored) found.push(...values(await log.read(topic, 0, found.length)))
      assert.deepEqual(found, values(numbered(stored) as never))
      assert.equal((await log.offsets(topic))[0].latest, stored)
    },
  }
}

async function prepareFetch(here: CutPlace, log: Log): Promise<Sweep> {
  const topic = await here.newTopic()
  const producer = await log.producer()
  const consumer = await openConsumer(log, [topic])
  const reader = new Reader(consumer)
  let stored = 0
  return {
    // Longer than an answer without records.
    bytesMin: 150,
    operation: async () => {
      await producer.append(topic, 0, numbered(2, 'v', stored))
      const expected = values(numbered(2, 'v', stored) as never)
      assert.deepEqual(values(await reader.take(2)), expected)
      stored += 2
    },
    check: async () => {
      await consumer.close()
      await producer.close()
    },
  }
}

async function prepareConsumer(here: CutPlace, log: Log): Promise<Sweep> {
  const topic = await here.newTopic()
  return {
    operation: async () => {
      const groupId = unique('group')
      const assigned = deferred()
      const consumer = await openConsumer(log, [topic], {
        groupId,
        onAssigned: async () => {
          setImmediate(assigned.resolve)
          return []
        },
      })
      const controller = new AbortController()
      const fetching = consumer.fetch(new Uint8Array(1000), () => true, controller.signal)
      await assigned.promise
      await consumer.commit([{ topic, partition: 0, offset: 0 }])
      controller.abort()
      await fetching
      await consumer.close()
      assert.deepEqual([...(await log.committed(groupId, topic))], [[0, 0]])
    },
  }
}
