// Every request in every version that we speak, asked of a real broker one after the other, with
// answers of success and of error. Used by record_requests.ts.
import { Kafka, logLevel } from 'kafkajs'
import { attribute } from '../../src/wire/batch_header.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { encodeAssignment, encodeSubscription } from '../../src/wire/consumer_protocol.ts'
import type { RequestType } from '../../src/wire/request.ts'
import type { FetchBody } from '../../src/wire/requests/fetch.ts'
import { requests } from '../../src/wire/requests.ts'
import { withAttributes } from './batches.ts'
import { BareClient } from './frame_recorder.ts'

const topic = 'recorded'
const timestamp = 1_700_000_000_000

export async function askEverything(port: number): Promise<void> {
  await createTopic(port)
  const client = await BareClient.open(port)
  const producers = await askForPlaces(client)
  await produceAndFetch(client, producers)
  await runTransactions(client)
  await joinAndLeave(client)
  await authenticate(client, port)
  client.close()
}

async function createTopic(port: number): Promise<void> {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    clientId: 'kafkajs',
    logLevel: logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true })
  await admin.disconnect()
}

/** In each version that the broker speaks, from the lowest. */
async function inVersions<Q, A>(
  client: BareClient,
  type: RequestType<Q, A>,
  ask: (version: number) => Promise<unknown>,
): Promise<void> {
  const [lowest, highest] = client.versions(type)
  for (let version = lowest; version <= highest; version++) await ask(version)
}

interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

async function askForPlaces(client: BareClient): Promise<Producer[]> {
  const { ApiVersions, Metadata, FindCoordinator, InitProducerId } = requests
  await inVersions(client, ApiVersions, async (version) => {
    const body = { clientSoftwareName: 'euphorion', clientSoftwareVersion: '0.1.0' }
    await client.ask(ApiVersions, version, body)
  })
  await inVersions(client, Metadata, async (version) => {
    for (const topics of [null, [], [topic, 'missing']])
      await client.ask(Metadata, version, { topics, allowAutoTopicCreation: false })
  })
  await inVersions(client, FindCoordinator, async (version) => {
    for (const keyType of [0, 1]) await untilFound(client, version, keyType)
  })
  const producers: Producer[] = []
  await inVersions(client, InitProducerId, async (version) => {
    const body = { transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
    const idempotent = { ...body, transactionalId: null }
    // A broker that has just begun has no ids to give yet.
    let producer = await client.ask(InitProducerId, version, idempotent)
    while (producer.errorCode !== 0)
      producer = await client.ask(InitProducerId, version, idempotent)
    producers.push(producer)
    await client.ask(InitProducerId, version, { ...body, transactionalId: 'other' })
    await client.ask(InitProducerId, version, { ...body, transactionalId: '' })
  })
  return producers
}

/** The topics of the coordinators are made when they are first asked for. */
async function untilFound(client: BareClient, version: number, keyType: number): Promise<void> {
  for (;;) {
    const body = { key: keyType === 0 ? 'group' : 'transactions', keyType }
    const { errorCode } = await client.ask(requests.FindCoordinator, version, body)
    if (errorCode === 0) return
  }
}

function batchOf(text: string, producer: Producer, baseSequence: number): Uint8Array {
  const writer = new BatchWriter()
  for (let i = 0; i < 2; i++) writer.append(Buffer.from('key'), Buffer.from(text), timestamp + i)
  return Uint8Array.from(writer.finish({ ...producer, baseSequence }))
}

async function produceAndFetch(client: BareClient, producers: Producer[]): Promise<void> {
  const { Produce, ListOffsets, OffsetForLeaderEpoch } = requests
  let sequence = 0
  await inVersions(client, Produce, async (version) => {
    const fine = batchOf(`version ${version}`, producers[0], sequence)
    sequence += 2
    const asPieces = [fine.subarray(0, 40), fine.subarray(40)]
    for (const [partition, records] of [
      [0, asPieces],
      // Out of order, and no such partition.
      [1, batchOf('gap', producers[1], 10)],
      [9, fine],
    ] as const)
      await client.ask(Produce, version, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 5_000,
        topics: [{ topic, partitions: [{ partition, records }] }],
      })
  })
  await inVersions(client, ListOffsets, async (version) => {
    for (const isolationLevel of [0, 1]) {
      const partitions = [-1, -2, timestamp + 1].map((timestamp) => ({
        partition: 0,
        currentLeaderEpoch: -1,
        timestamp,
      }))
      const late = { partition: 1, currentLeaderEpoch: 99, timestamp: -1 }
      for (const each of [...partitions, late])
        await client.ask(ListOffsets, version, {
          isolationLevel,
          topics: [{ topic, partitions: [each] }],
        })
    }
  })
  await inVersions(client, OffsetForLeaderEpoch, async (version) => {
    const partitions = [0, 1, 9].map((partition) => ({
      partition,
      currentLeaderEpoch: partition === 1 ? 99 : -1,
      leaderEpoch: 0,
    }))
    for (const some of [partitions, partitions.slice(0, 1)])
      await client.ask(OffsetForLeaderEpoch, version, { topics: [{ topic, partitions: some }] })
  })
  await inVersions(client, requests.Fetch, (version) => fetchInSession(client, version))
}

const fetching: FetchBody = {
  maxWaitMs: 10,
  minBytes: 1,
  maxBytes: 100_000,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [],
  forgottenTopics: [],
  rackId: '',
}

const fetchOf = (partition: number, fetchOffset: number) => ({
  partition,
  currentLeaderEpoch: 0,
  fetchOffset,
  lastFetchedEpoch: -1,
  partitionMaxBytes: 50_000,
})

async function fetchInSession(client: BareClient, version: number): Promise<void> {
  const { Fetch } = requests
  const both = [{ topic, partitions: [fetchOf(0, 0), fetchOf(1, 0)] }]
  await client.ask(Fetch, version, { ...fetching, topics: both })
  const begun = { ...fetching, isolationLevel: 1, sessionEpoch: 0, topics: both }
  const { sessionId } = await client.ask(Fetch, version, begun)
  await client.ask(Fetch, version, { ...fetching, sessionId, sessionEpoch: 1 })
  const changed = {
    topics: [{ topic, partitions: [fetchOf(0, 2)] }],
    forgottenTopics: [{ topic, partitions: [1] }],
  }
  await client.ask(Fetch, version, { ...fetching, sessionId, sessionEpoch: 2, ...changed })
  // No such epoch, no such session, no such offset, a leader of the past.
  await client.ask(Fetch, version, { ...fetching, sessionId, sessionEpoch: 99 })
  await client.ask(Fetch, version, { ...fetching, sessionId: 99, sessionEpoch: 1 })
  for (const wrong of [
    fetchOf(0, 1_000_000),
    { ...fetchOf(0, 0), currentLeaderEpoch: 7 },
    { ...fetchOf(0, 0), lastFetchedEpoch: 7 },
    fetchOf(9, 0),
  ])
    await client.ask(Fetch, version, {
      ...fetching,
      rackId: 'rack-1',
      topics: [{ topic, partitions: [wrong] }],
    })
}

const transactionalId = 'transactions'
const groupId = 'group'

/** Commits and aborts in each version of what a transaction consists of. */
async function runTransactions(client: BareClient): Promise<void> {
  const { AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn, EndTxnRaising } = requests
  await inVersions(client, EndTxn, async (version) => {
    const producer = await newTransactions(client)
    const owner = { transactionalId, ...producer }
    const inRange = (type: RequestType<never, unknown>) => {
      const [lowest, highest] = client.versions(type)
      return Math.min(Math.max(version, lowest), highest)
    }
    const topics = [{ topic, partitions: [1] }]
    await client.ask(AddPartitionsToTxn, inRange(AddPartitionsToTxn), { ...owner, topics })
    await client.ask(AddPartitionsToTxn, inRange(AddPartitionsToTxn), {
      ...owner,
      topics: [{ topic: 'missing', partitions: [0, 1] }],
    })
    const records = withAttributes(batchOf('t', producer, 0), attribute.transactional)
    await client.ask(requests.Produce, inRange(requests.Produce), {
      transactionalId,
      acks: -1,
      timeoutMs: 5_000,
      topics: [{ topic, partitions: [{ partition: 1, records }] }],
    })
    await client.ask(AddOffsetsToTxn, inRange(AddOffsetsToTxn), { ...owner, groupId })
    await client.ask(TxnOffsetCommit, inRange(TxnOffsetCommit), {
      ...owner,
      groupId,
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      topics: committing(version),
    })
    // A step of the past: fenced.
    await client.ask(EndTxn, version, { ...owner, producerEpoch: 0, committed: true })
    await client.ask(EndTxn, version, { ...owner, committed: version % 2 === 0 })
  })
  await inVersions(client, EndTxnRaising, async (version) => {
    const owner = { transactionalId, ...(await newTransactions(client)) }
    await client.ask(AddPartitionsToTxn, 3, { ...owner, topics: [{ topic, partitions: [1] }] })
    await client.ask(EndTxnRaising, version, { ...owner, committed: true })
  })
  await runAdding(client)
  await inVersions(client, requests.Fetch, async (version) => {
    const topics = [{ topic, partitions: [fetchOf(1, 0)] }]
    await client.ask(requests.Fetch, version, { ...fetching, isolationLevel: 1, topics })
  })
}

/** A transaction of the second version: what is in it is added by what is written. */
async function runAdding(client: BareClient): Promise<void> {
  const { ProduceAdding, TxnOffsetCommitAdding, EndTxnRaising } = requests
  const producer = await newTransactions(client)
  const owner = { transactionalId, ...producer }
  const records = withAttributes(batchOf('t', producer, 0), attribute.transactional)
  await inVersions(client, ProduceAdding, (version) =>
    client.ask(ProduceAdding, version, {
      transactionalId,
      acks: -1,
      timeoutMs: 5_000,
      topics: [{ topic, partitions: [{ partition: 1, records }] }],
    }),
  )
  await inVersions(client, TxnOffsetCommitAdding, (version) =>
    client.ask(TxnOffsetCommitAdding, version, {
      ...owner,
      groupId,
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      topics: committing(version),
    }),
  )
  await inVersions(client, EndTxnRaising, (version) =>
    client.ask(EndTxnRaising, version, { ...owner, committed: true }),
  )
}

/** As soon as the transaction before is finished. */
async function newTransactions(client: BareClient): Promise<Producer> {
  const [, version] = client.versions(requests.InitProducerId)
  for (;;) {
    const answer = await client.ask(requests.InitProducerId, version, {
      transactionalId,
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    })
    const { errorCode, producerId, producerEpoch } = answer
    if (errorCode === 0) return { producerId, producerEpoch }
  }
}

const committing = (committedOffset: number) => [
  {
    topic,
    partitions: [
      { partition: 0, committedOffset, committedLeaderEpoch: 0, committedMetadata: 'note' },
      { partition: 1, committedOffset, committedLeaderEpoch: -1, committedMetadata: null },
    ],
  },
]

async function joinAndLeave(client: BareClient): Promise<void> {
  await inVersions(client, requests.JoinGroup, async (version) => {
    await oneGeneration(client, version, null)
    await oneGeneration(client, version, 'instance-1')
  })
  await inVersions(client, requests.OffsetFetch, async (version) => {
    for (const topics of [null, [{ topic, partitions: [0, 1] }]])
      for (const id of [groupId, 'none'])
        await client.ask(requests.OffsetFetch, version, {
          groupId: id,
          topics,
          requireStable: true,
        })
  })
}

async function oneGeneration(
  client: BareClient,
  version: number,
  groupInstanceId: string | null,
): Promise<void> {
  const { JoinGroup, SyncGroup, Heartbeat, OffsetCommit, LeaveGroup } = requests
  const metadata = encodeSubscription({
    topics: [topic],
    userData: null,
    ownedPartitions: [{ topic, partitions: [0] }],
    generationId: 3,
    rackId: 'rack-1',
  })
  const join = {
    groupId,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    groupInstanceId,
    protocolType: 'consumer',
    protocols: [{ name: 'sticky', metadata }],
    reason: 'for the record',
  }
  let joined = await client.ask(JoinGroup, version, { ...join, memberId: '' })
  if (joined.errorCode !== 0)
    joined = await client.ask(JoinGroup, version, { ...join, memberId: joined.memberId })
  const { memberId, generationId } = joined
  const member = { groupId, generationId, memberId, groupInstanceId }
  const assignment = encodeAssignment({
    assignedPartitions: [{ topic, partitions: [0, 1] }],
    userData: null,
  })
  await client.ask(SyncGroup, 5, {
    ...member,
    protocolType: 'consumer',
    protocolName: 'sticky',
    assignments: [{ memberId, assignment }],
  })
  // A static leader that comes again finds its assignment standing.
  if (groupInstanceId !== null) {
    const again = await client.ask(JoinGroup, version, { ...join, memberId: '' })
    member.memberId = again.memberId
  }
  await client.ask(Heartbeat, 4, member)
  await client.ask(Heartbeat, 4, { ...member, generationId: 99 })
  await client.ask(OffsetCommit, 8, { ...member, topics: committing(version) })
  await client.ask(OffsetCommit, 8, { ...member, generationId: 99, topics: committing(1) })
  const leaving = { memberId: member.memberId, groupInstanceId, reason: 'done' }
  const nobody = { memberId: 'nobody', groupInstanceId: null, reason: null }
  for (const members of [[nobody], [leaving], [leaving, nobody]])
    await client.ask(LeaveGroup, Math.min(version - 3, 5), { groupId, members })
}

/** A listener without SASL refuses both; a connection is closed after a refusal. */
async function authenticate(client: BareClient, port: number): Promise<void> {
  const { SaslHandshake, SaslAuthenticate } = requests
  const ask = async <Q, A>(type: RequestType<Q, A>, version: number, body: Q) => {
    const stranger = await BareClient.open(port)
    await stranger.ask(type, version, body)
    stranger.close()
  }
  await ask(SaslHandshake, 1, { mechanism: 'PLAIN' })
  await inVersions(client, SaslAuthenticate, (version) =>
    ask(SaslAuthenticate, version, { authBytes: Buffer.from('\0user\0not a secret') }),
  )
}
