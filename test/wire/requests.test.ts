// Every request in every version against bytes of a real broker, of kafkajs, and of Kafka's own
// classes, which say what is in them.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { requests } from '../../src/wire/requests.ts'
import { ourAnswer, ourBody, plain } from '../support/kafka_shapes.ts'
import {
  decodeAnswer,
  encodeBody,
  isSuccess,
  type Recorded,
  recorded,
  typeOf,
} from '../support/recorded.ts'

const files = new Map(
  ['broker', 'kafkajs', 'made'].map((file) => [
    file,
    recorded(file).filter(({ name }) => !name.startsWith('ConsumerProtocol')),
  ]),
)
const all = [...files.values()].flat()

for (const [file, messages] of files) {
  test(`answers are read as Kafka reads them: ${file}`, () => {
    for (const message of messages.filter(({ isAnswer }) => isAnswer)) {
      const { answer, left } = decodeAnswer(typeOf(message), message.version, message.bytes)
      assert.deepEqual(plain(answer), ourAnswer(message.name, message.json), labelOf(message))
      assert.equal(left, 0, labelOf(message))
    }
  })
}

test('requests are written as Kafka writes them', () => {
  for (const message of [...files.get('broker')!, ...files.get('made')!]) {
    if (message.isAnswer) continue
    const body = ourBody(message.name, message.json)
    const bytes = encodeBody(typeOf(message), message.version, body)
    assert.equal(bytes.toString('hex'), message.bytes.toString('hex'), labelOf(message))
  }
})

test('requests of kafkajs are written alike, where it asks for what we ask for', () => {
  let count = 0
  for (const message of files.get('kafkajs')!) {
    if (message.isAnswer) continue
    const ours = encodeBody(typeOf(message), message.version, ourBody(message.name, message.json))
    assert.equal(ours.toString('hex'), message.bytes.toString('hex'), labelOf(message))
    count++
  }
  assert.ok(count > 5)
})

function labelOf({ name, version, json }: Recorded): string {
  return `${name} ${version}: ${JSON.stringify(json).slice(0, 2000)}`
}

test('a batch that is produced in pieces is written like one in one piece', () => {
  const records = Buffer.from('ab'.repeat(5000))
  const pieces = [records.subarray(0, 1), records.subarray(1, 9000), records.subarray(9000)]
  const { Produce } = requests
  for (let version = Produce.versions[0]; version <= Produce.versions[1]; version++) {
    const [whole, parts] = [records, pieces].map((each) =>
      encodeBody(Produce as Parameters<typeof encodeBody>[0], version, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 1000,
        topics: [{ topic: 'a', partitions: [{ partition: 0, records: each }] }],
      }),
    )
    assert.deepEqual(parts, whole)
  }
})

test('each version of each request was answered by a broker, and made by Kafka', () => {
  for (const [file, messages] of files) {
    if (file === 'kafkajs') continue
    for (const { name, versions } of Object.values(requests)) {
      for (let version = versions[0]; version <= versions[1]; version++) {
        for (const isAnswer of [false, true]) {
          const found = messages.some(
            (each) => each.name === name && each.version === version && each.isAnswer === isAnswer,
          )
          assert.ok(found, `${file}: ${name} ${version}, ${isAnswer ? 'answer' : 'request'}`)
        }
      }
    }
  }
})

test('a broker did what it was asked for in each version of each request', () => {
  const done = new Set(
    files
      .get('broker')!
      .filter((message) => {
        const { name, version, bytes, isAnswer } = message
        // Without SASL on its listener a broker refuses both.
        if (name.startsWith('Sasl')) return true
        return isAnswer && isSuccess(decodeAnswer(typeOf(message), version, bytes).answer)
      })
      .map(({ name, version }) => `${name} ${version}`),
  )
  for (const { name, versions } of Object.values(requests))
    for (let version = versions[0]; version <= versions[1]; version++)
      assert.ok(done.has(`${name} ${version}`), `${name} ${version}`)
})

test('what only some answers have was recorded', () => {
  const has = (name: string, pattern: RegExp) =>
    all.some(
      (each) => each.name === name && each.isAnswer && pattern.test(JSON.stringify(each.json)),
    )
  for (const [name, pattern] of [
    ['ApiVersions', /"finalizedFeatures":\[\{"name"/],
    ['Fetch', /"abortedTransactions":\[\{/],
    ['Fetch', /"divergingEpoch":\{/],
    ['Fetch', /"preferredReadReplica":3/],
    ['Produce', /"recordErrors":\[\{/],
    ['Produce', /"nodeEndpoints":\[\{/],
    ['JoinGroup', /"skipAssignment":true/],
    ['JoinGroup', /"errorCode":79/],
    ['Metadata', /"errorCode":3/],
  ] as const)
    assert.ok(has(name, pattern), `${name} ${pattern}`)
})

const require = createRequire(import.meta.url)

/** The encoder of a request in kafkajs: a function of its own body. */
function kafkajsEncode(name: string, version: number, body: object): Promise<{ buffer: Buffer }> {
  const file = `${name[0].toLowerCase()}${name.slice(1)}/v${version}/request.js`
  const make = require(`kafkajs/src/protocol/requests/${file}`)
  return make(body).encode()
}

test('bodies are written as kafkajs writes them', async () => {
  const owner = { transactionalId: 'tränsaction', producerId: 4_294_967_297, producerEpoch: 7 }
  const topics = [
    { topic: 'a', partitions: [1, 2] },
    { topic: 'b', partitions: [0] },
  ]
  const partition = {
    partition: 3,
    currentLeaderEpoch: 5,
    fetchOffset: 2 ** 40 + 1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1_000_000,
  }
  const fetch = { minBytes: 1, maxBytes: 10_000_000, isolationLevel: 1, rackId: 'r' }
  const cases: readonly [name: string, version: number, ours: object, theirs: object][] = [
    ['ApiVersions', 0, {}, {}],
    ['ApiVersions', 1, {}, {}],
    ['ApiVersions', 2, {}, {}],
    ['AddPartitionsToTxn', 1, { ...owner, topics }, { ...owner, topics }],
    ['AddOffsetsToTxn', 1, { ...owner, groupId: 'g' }, { ...owner, groupId: 'g' }],
    ['EndTxn', 1, { ...owner, committed: true }, { ...owner, transactionResult: true }],
    ['EndTxn', 1, { ...owner, committed: false }, { ...owner, transactionResult: false }],
    [
      'SaslAuthenticate',
      1,
      { authBytes: Buffer.from('words') },
      { authBytes: Buffer.from('\0\0\0\x05words') },
    ],
    ['SaslHandshake', 1, { mechanism: 'PLAIN' }, { mechanism: 'PLAIN' }],
    [
      'Fetch',
      11,
      {
        ...fetch,
        maxWaitMs: 500,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [{ topic: 'a', partitions: [partition] }],
        forgottenTopics: [{ topic: 'b', partitions: [4] }],
      },
      {
        ...fetch,
        replicaId: -1,
        maxWaitTime: 500,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [
          {
            topic: 'a',
            partitions: [{ ...partition, maxBytes: 1_000_000, logStartOffset: -1 }],
          },
        ],
        forgottenTopics: [{ topic: 'b', partitions: [4] }],
      },
    ],
  ]
  for (const [name, version, ours, theirs] of cases) {
    const type = requests[name as keyof typeof requests] as Parameters<typeof encodeBody>[0]
    const { buffer } = await kafkajsEncode(name, version, theirs)
    const bytes = encodeBody(type, version, ours)
    assert.equal(bytes.toString('hex'), buffer.toString('hex'), `${name} ${version}`)
  }
})
