// Every way to sign in to a real Kafka, over plain TCP and TLS, and what goes wrong on the way: the
// error says which, soon, and without the secret.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { ErrorCode, EuphorionError } from '../../src/errors.ts'
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka/kafka_log.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { SaslOptions } from '../../src/wire/login.ts'
import { makeCertificate } from '../support/certificate.ts'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { type SaslMechanism, testUser, unsecuredToken } from '../support/kafka_properties.ts'
import { numbered, openConsumer, Reader, unique, values } from '../support/log.ts'

if (await canStartKafka()) {
  const mechanisms: readonly SaslMechanism[] = [
    'PLAIN',
    'SCRAM-SHA-256',
    'SCRAM-SHA-512',
    'OAUTHBEARER',
  ]
  const kafka = await startKafka({
    listeners: {
      TLS: { tls: true },
      SIGNED: { sasl: mechanisms },
      SECURE: { tls: true, sasl: mechanisms },
      BRIEF: { tls: true, sasl: mechanisms },
      PLAINONLY: { sasl: ['PLAIN'] },
    },
    properties: { 'listener.name.brief.connections.max.reauth.ms': 1500 },
  })
  after(() => kafka.stop())
  const ca = readFileSync(kafka.caFile, 'utf8')
  const open = (listener: string, options: Partial<KafkaLogOptions> = {}): Promise<Log> =>
    openKafkaLog({
      brokers: [kafka.addresses(listener)],
      tls: /^(TLS|SECURE|BRIEF)$/.test(listener) && { ca },
      connectTimeoutMs: 2000,
      ...options,
    })
  let tokens = 0
  const signIn = (mechanism: SaslMechanism): SaslOptions =>
    mechanism === 'OAUTHBEARER'
      ? { mechanism: 'oauthbearer', token }
      : {
          mechanism: mechanism.toLowerCase() as 'plain',
          ...testUser,
        }
  const token = async () => {
    tokens++
    return { value: unsecuredToken('ann', Date.now()) }
  }

  const withLog = async (opening: Promise<Log>, call: (log: Log) => Promise<void>) => {
    const log = await opening
    try {
      await call(log)
    } finally {
      await log.close()
    }
  }

  /** Writes, reads and shares a topic. */
  async function use(log: Log): Promise<void> {
    const topic = unique('signed')
    await log.createTopic(topic, { partitions: 2, config: { retentionMs: -1 } })
    const producer = await log.producer()
    await producer.append(topic, 1, numbered(10))
    await producer.close()
    assert.deepEqual(values(await log.read(topic, 1, 0)), values(numbered(10) as never))
    const consumer = await openConsumer(log, [topic])
    assert.equal((await new Reader(consumer).take(10)).length, 10)
    await consumer.commit([{ topic, partition: 1, offset: 10 }])
    await consumer.close()
  }

  describe('a log on Kafka', () => {
    test('by TLS alone', async () => {
      await withLog(open('TLS'), use)
    })

    for (const mechanism of mechanisms)
      for (const listener of ['SIGNED', 'SECURE'])
        test(`signs in by ${mechanism} on ${listener}`, async () => {
          await withLog(open(listener, { sasl: signIn(mechanism) }), use)
        })

    for (const transport of ['kafka', 'kafkajs'] as const)
      test(`takes tokens from code by the driver ${transport}`, async () => {
        const opening = openLog(`kafka+ssl://${kafka.addresses('SECURE')}`, {
          settings: { transport, sslCaFile: kafka.caFile, saslMechanism: 'oauthbearer' },
          sasl: { mechanism: 'oauthbearer', token },
        })
        await withLog(opening, use)
      })

    for (const mechanism of ['SCRAM-SHA-512', 'OAUTHBEARER'] as const)
      test(`signs in again by ${mechanism} before its session ends`, async () => {
        const topic = unique('session')
        // kafkajs, which creates topics, cannot live with sessions below 10 s.
        await withLog(open('TLS'), async (log) => {
          await log.createTopic(topic, { partitions: 1, config: { retentionMs: -1 } })
        })
        tokens = 0
        await withLog(open('BRIEF', { sasl: signIn(mechanism) }), async (log) => {
          const producer = await log.producer()
          const reader = new Reader(await openConsumer(log, [topic]))
          // More than three sessions.
          for (let turn = 0; turn < 25; turn++) {
            await producer.append(topic, 0, numbered(1, 'v', turn))
            assert.deepEqual(values(await reader.take(1)), [`v${turn}`])
            await wait(200)
          }
        })
        if (mechanism === 'OAUTHBEARER') assert.ok(tokens > 6, `${tokens} tokens`)
      })
  })

  describe('no log is opened, and the error says why', () => {
    const refused = (
      name: string,
      code: ErrorCode | readonly ErrorCode[],
      tries: () => Promise<Log>,
      says: RegExp = /./,
    ) =>
      test(name, async () => {
        const began = performance.now()
        const error = await tries().then(
          (log) => log.close().then(() => assert.fail('was opened')),
          (one: EuphorionError) => one,
        )
        assert.ok([code].flat().includes(error.code), String(error.stack))
        assert.match(String(error.message), says)
        assert.ok(performance.now() - began < 6000, 'in the time that it was given')
        const whole = JSON.stringify([String(error.stack), error, String(error.cause)])
        assert.ok(!whole.includes('wrong-horse') && !whole.includes(testUser.password), whole)
      })
    const wrong = { ...testUser, password: 'wrong-horse' }
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const)
      refused(`wrong password, ${mechanism}`, 'AUTHENTICATION_FAILED', () =>
        open('SECURE', { sasl: { mechanism, ...wrong } }),
      )
    refused('a token that has expired', 'AUTHENTICATION_FAILED', () =>
      open('SIGNED', {
        sasl: {
          mechanism: 'oauthbearer',
          token: async () => ({ value: unsecuredToken('ann', Date.now() - 7_200_000) }),
        },
      }),
    )
    refused(
      'a mechanism that the broker does not have',
      'AUTHENTICATION_FAILED',
      () => open('PLAINONLY', { sasl: { mechanism: 'scram-sha-256', ...testUser } }),
      /PLAIN/,
    )
    refused(
      'without signing in',
      'AUTHENTICATION_FAILED',
      () => open('SIGNED'),
      /perhaps it wants a login/,
    )
    refused('an authority that is not trusted', 'BROKER_UNREACHABLE', () =>
      open('TLS', { tls: { ca: makeCertificate({ subject: 'another' }).certificate } }),
    )
    refused('a name that the certificate is not for', 'BROKER_UNREACHABLE', () =>
      open('TLS', { tls: { ca, servername: 'elsewhere.example' } }),
    )
    refused('TLS to a port that has none', ['BROKER_UNREACHABLE', 'PROTOCOL_VIOLATED'], () =>
      open('SIGNED', { tls: { ca } }),
    )
    refused('no TLS to a port that has it', ['BROKER_UNREACHABLE', 'PROTOCOL_VIOLATED'], () =>
      open('TLS', { tls: false }),
    )
  })
}
