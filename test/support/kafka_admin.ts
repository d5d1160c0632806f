// What tests do to a Kafka that no client of the project does: topics with chosen replicas, leaders
// moved from broker to broker. Called by system tests.
import { setTimeout as wait } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'

const pollMs = 50
const tries = 400

export interface ReplicatedTopic {
  readonly partitions?: number
  /** Default 3, or all brokers. */
  readonly replicas?: number
  /** As `cleanup.policy`. */
  readonly config?: Readonly<Record<string, string>>
}

/** Calls with an admin of the cluster. */
export async function withAdmin<T>(brokers: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Creates it, and waits until its leaders are known. */
export async function createTopic(
  brokers: string,
  topic: string,
  { partitions = 1, replicas, config = {} }: ReplicatedTopic = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  const replicationFactor = replicas ?? Math.min(3, brokers.split(',').length)
  await withAdmin(brokers, async (admin) => {
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
      waitForLeaders: false,
    })
    await until('leaders', async () => {
      const known = await leaders(admin, topic)
      return known.length === partitions && known.every(({ leader }) => leader > 0)
    })
  })
}

/** The broker that leads the partition. */
export function leaderOf(brokers: string, topic: string, partition: number): Promise<number> {
  return withAdmin(brokers, async (admin) => (await leaders(admin, topic))[partition].leader)
}

/**
 * Makes a broker that has a replica the first of them, and waits until it leads: a second or two,
 * as the controller looks for such partitions once a second.
 */
export async function moveLeader(
  brokers: string,
  topic: string,
  partition: number,
  nodeId: number,
): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const { replicas } = (await leaders(admin, topic))[partition]
    const order = [nodeId, ...replicas.filter((id) => id !== nodeId)]
    await admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition, replicas: order }] }],
    })
    await until(`broker ${nodeId} to lead`, async () => {
      const { leader } = (await leaders(admin, topic))[partition]
      return leader === nodeId
    })
  })
}

/** Asks until it is so; whoever asks learns of errors only at the end. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  let last: unknown
  for (let turn = 0; turn < tries; turn++) {
    try {
      if (await isSo()) return
    } catch (error) {
      last = error
    }
    await wait(pollMs)
  }
  throw new Error(`waited in vain for ${what}`, { cause: last })
}

interface Leader {
  readonly leader: number
  readonly replicas: readonly number[]
}

async function leaders(admin: Admin, topic: string): Promise<Leader[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  return topics[0].partitions
    .map(({ partitionId, leader, replicas }) => ({ partitionId, leader, replicas }))
    .sort((a, b) => a.partitionId - b.partitionId)
}
