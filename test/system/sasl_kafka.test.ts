// Logins and TLS of the Kafka driver on a real broker: every mechanism, sessions that end, and what
// a person is told when something is wrong.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { describeError, type EuphorionError } from '../../src/errors.ts'
import { Cluster } from '../../src/log/kafka/cluster.ts'
import { openLog } from '../../src/log/open.ts'
import type { SaslOptions } from '../../src/wire/sasl.ts'
import { canStartKafka, type KafkaCluster, startKafka } from '../support/kafka.ts'
import { testUser, unsecuredToken } from '../support/kafka_properties.ts'
import { appendTo, numbered, rejectsWith, unique, values } from '../support/log.ts'

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
const sessionMs = 2000

if (await canStartKafka()) describe('a Kafka with TLS and logins', tests)

function tests(): void {
  let kafka: KafkaCluster
  before(async () => {
    kafka = await startKafka({
      listeners: {
        SECURE: { tls: true, sasl: mechanisms },
        OPEN: { sasl: mechanisms },
        TLS: { tls: true },
      },
      // Of one listener and mechanism: sessions below 10 s are too short for kafkajs.
      properties: { 'listener.name.open.scram-sha-512.connections.max.reauth.ms': sessionMs },
    })
  })
  after(() => kafka?.stop())

  const loginOf = (mechanism: (typeof mechanisms)[number]): SaslOptions => {
    const name = mechanism.toLowerCase() as SaslOptions['mechanism']
    return name === 'oauthbearer'
      ? {
          mechanism: name,
          token: async () => ({ value: unsecuredToken(testUser.username, Date.now()) }),
        }
      : { mechanism: name, ...testUser }
  }
  const open = (listener: string, sasl?: SaslOptions, connectTimeoutMs = 10_000) => {
    const hasTls = listener !== 'OPEN'
    return Cluster.open({
      brokers: kafka.addresses(listener).split(','),
      tls: hasTls && { ca: readFileSync(kafka.caFile) },
      ...(sasl && { sasl }),
      connectTimeoutMs,
    })
  }

  for (const listener of ['SECURE', 'OPEN'])
    for (const mechanism of mechanisms)
      test(`${listener}: ${mechanism} logs in`, async () => {
        const cluster = await open(listener, loginOf(mechanism))
        assert.ok(Array.isArray(await cluster.allTopics()))
        cluster.close()
      })

  test('a wrong password is AUTHENTICATION_FAILED at once, and is not told', async () => {
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const sasl = { mechanism, username: testUser.username, password: 'no-such-secret' }
      await assert.rejects(open('SECURE', sasl), (error: EuphorionError) => {
        assert.equal(error.code, 'AUTHENTICATION_FAILED')
        assert.doesNotMatch(describeError(error) + error.stack, /no-such-secret/)
        return true
      })
    }
    const sasl = { mechanism: 'oauthbearer', token: async () => ({ value: 'nonsense' }) } as const
    await assert.rejects(open('SECURE', sasl), rejectsWith('AUTHENTICATION_FAILED'))
  })

  test('who does not log in, or not by TLS, is told what may be missing', async () => {
    await assert.rejects(open('OPEN', undefined, 300), /perhaps it wants a login/)
    const plain = Cluster.open({
      brokers: kafka.addresses('TLS').split(','),
      connectTimeoutMs: 300,
    })
    await assert.rejects(plain, rejectsWith('PROTOCOL_VIOLATED'))
    const untrusted = Cluster.open({
      brokers: kafka.addresses('TLS').split(','),
      tls: {},
      connectTimeoutMs: 300,
    })
    await assert.rejects(untrusted, /certificate/)
    await assert.rejects(open('TLS', loginOf('PLAIN'), 300), rejectsWith('AUTHENTICATION_FAILED'))
  })

  test('a connection that is used on outlives its session', async () => {
    const cluster = await open('OPEN', loginOf('SCRAM-SHA-512'))
    const connection = await cluster.anyConnection()
    const end = Date.now() + 2.5 * sessionMs
    while (Date.now() < end) {
      await cluster.allTopics()
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(connection.closed, false)
    assert.equal(await cluster.anyConnection(), connection)
    cluster.close()
  })

  for (const transport of ['kafka', 'kafkajs'] as const)
    test(`a log over TLS with tokens, by the driver ${transport}`, async () => {
      const log = await openLog(`kafka+ssl://${kafka.addresses('SECURE')}`, {
        settings: { transport, sslCaFile: kafka.caFile, saslMechanism: 'oauthbearer' },
        sasl: {
          mechanism: 'oauthbearer',
          token: async () => ({ value: unsecuredToken(testUser.username, Date.now()) }),
        },
      })
      try {
        const topic = unique('secure')
        await log.createTopic(topic, { partitions: 1, config: { retentionMs: -1 } })
        await appendTo(log, topic, 0, numbered(3))
        assert.deepEqual(values(await log.read(topic, 0, 0)), ['v0', 'v1', 'v2'])
      } finally {
        await log.close()
      }
    })
}
