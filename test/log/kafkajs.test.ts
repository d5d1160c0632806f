// The kafkajs driver where it needs no broker: sharing of partitions, codes of errors, and a broker
// that is not there.
import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { EuphorionError } from '../../src/errors.ts'
import { share } from '../../src/log/kafkajs/assignor.ts'
import { asLogError } from '../../src/log/kafkajs/failures.ts'
import { openKafkajsLog } from '../../src/log/kafkajs/kafkajs_log.ts'

test('every partition goes to one subscriber, and equal partitions of topics to the same', () => {
  const topics = ['a', 'b', 'c']
  const member = fc.record({ topics: fc.subarray(topics, { minLength: 1 }) })
  fc.assert(
    fc.property(
      fc.array(member, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 12 }),
      (subscriptions, partitions) => {
        const members = subscriptions.map((one, index) => ({ memberId: `m${index}`, ...one }))
        const ids = Array.from({ length: partitions }, (_, id) => id)
        const shares = share(members, () => ids)
        for (const topic of topics) {
          const given = members.flatMap(({ memberId }) => shares.get(memberId)![topic] ?? [])
          const wanted = members.some((one) => one.topics.includes(topic))
          assert.deepEqual(
            given.sort((a, b) => a - b),
            wanted ? ids : [],
          )
        }
        for (const { memberId, topics: own } of members)
          if (members.every((other) => other.topics.join() === own.join()))
            for (const topic of own)
              assert.deepEqual(shares.get(memberId)![topic], shares.get(memberId)![own[0]])
      },
    ),
  )
})

test('what kafkajs throws gets its code by the innermost reason', () => {
  const wrapped = (inner: object) =>
    Object.assign(new Error('outer'), { name: 'KafkaJSNumberOfRetriesExceeded', cause: inner })
  const cases: [object, string][] = [
    [{ type: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'x' }, 'TOPIC_UNKNOWN'],
    [{ type: 'MESSAGE_TOO_LARGE', message: 'x' }, 'RECORD_TOO_LARGE'],
    [{ name: 'KafkaJSConnectionError', message: 'x' }, 'BROKER_UNREACHABLE'],
    [{ name: 'KafkaJSRequestTimeoutError', message: 'x' }, 'BROKER_UNREACHABLE'],
    [{ type: 'GROUP_AUTHORIZATION_FAILED', message: 'x' }, 'LOG_FAILED'],
  ]
  for (const [inner, code] of cases) {
    assert.equal(asLogError(wrapped(inner), 'host:1').code, code)
    assert.equal(asLogError(inner, 'host:1').code, code)
  }
  const own = new EuphorionError('LOG_FAILED', 'as it is')
  assert.equal(asLogError(own, 'host:1'), own)
})

const unreachable = (address: string) => (error: unknown) => {
  assert.ok(error instanceof EuphorionError)
  assert.equal(error.code, 'BROKER_UNREACHABLE', error.stack)
  assert.ok(error.message.includes(address), error.message)
  return true
}

test('a port that nobody listens on is BROKER_UNREACHABLE, with the address', async () => {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  const address = `127.0.0.1:${port}`
  await assert.rejects(openKafkajsLog({ brokers: [address], retries: 1 }), unreachable(address))
})

test('a broker that never answers is BROKER_UNREACHABLE when the time is over', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.resume().on('error', () => {})))
  const address = `127.0.0.1:${await listen(server)}`
  await assert.rejects(
    openKafkajsLog({ brokers: [address], connectTimeoutMs: 300 }),
    unreachable(address),
  )
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  )
}
