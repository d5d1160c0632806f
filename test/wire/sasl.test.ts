import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { describeError, type EuphorionError } from '../../src/errors.ts'
import { Connection, type ConnectionOptions } from '../../src/wire/connection.ts'
import type { OAuthToken, SaslOptions } from '../../src/wire/login.ts'
import { echo, echoAnswer, optionsFor } from '../support/echo.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake_broker.ts'
import { rejectsWith } from '../support/log.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'
import { SaslServer, type SaslServerOptions } from '../support/sasl_server.ts'

const user = 'ada,=lovelace'
const password = 'a secret, ü=1'
const token = 'header.body.signature'

const toStop: FakeBroker[] = []
afterEach(async () => {
  for (const broker of toStop.splice(0)) await broker.stop()
})

async function saslBroker(options: Partial<SaslServerOptions> = {}) {
  const servers = new Map<Socket, SaslServer>()
  const broker = await startFakeBroker({
    onRequest(request, socket) {
      const server = servers.get(socket) ?? new SaslServer({ user, password, token, ...options })
      servers.set(socket, server)
      socket.write(server.answer(request) ?? echoAnswer(request))
    },
  })
  toStop.push(broker)
  const open = (sasl: SaslOptions, more: Partial<ConnectionOptions> = {}) =>
    Connection.open(optionsFor(broker.port, { sasl, ...more }))
  return { broker, open, last: () => [...servers.values()].at(-1)! }
}

const logins: readonly SaslOptions[] = [
  { mechanism: 'plain', username: user, password },
  { mechanism: 'scram-sha-256', username: user, password },
  { mechanism: 'scram-sha-512', username: user, password },
  { mechanism: 'oauthbearer', token: async () => ({ value: token }) },
]

for (const sasl of logins)
  describe(sasl.mechanism, () => {
    test('logs in, and requests are answered', async () => {
      const { open, last } = await saslBroker()
      const connection = await open(sasl)
      assert.equal(last().logins, 1)
      assert.deepEqual(await connection.request(echo, Buffer.from('x')), Buffer.from('x'))
      connection.close()
    })

    test('a wrong secret is AUTHENTICATION_FAILED, and is told to nobody', async () => {
      const { open } = await saslBroker()
      const wrong: SaslOptions =
        sasl.mechanism === 'oauthbearer'
          ? { ...sasl, token: async () => ({ value: 'wrong-secret' }) }
          : { ...sasl, password: 'wrong-secret' }
      const error = await open(wrong).then(
        () => assert.fail('it logged in'),
        (failure: EuphorionError) => failure,
      )
      assert.equal(error.code, 'AUTHENTICATION_FAILED')
      assert.equal(error.retriable, false)
      assert.match(error.message, /^127\.0\.0\.1:\d+: /)
      for (const said of [describeError(error), String(error.stack), JSON.stringify(error)])
        assert.doesNotMatch(said, /wrong-secret/)
    })

    test('a mechanism that is not offered is named, with those that are', async () => {
      const { open } = await saslBroker({ mechanisms: ['GSSAPI', 'OTHER'] })
      await assert.rejects(open(sasl), (error: EuphorionError) => {
        assert.equal(error.code, 'AUTHENTICATION_FAILED')
        assert.match(error.message, /offers GSSAPI, OTHER/)
        return true
      })
    })

    test('logs in again before the session ends; requests wait for it', async () => {
      const clock = new ManualClock()
      const { broker, open, last } = await saslBroker({ sessionLifetimeMs: 1000 })
      const connection = await open(sasl, { clock })
      const before = connection.request(echo, Buffer.from('before'))
      await clock.advance(849)
      await before
      assert.equal(last().logins, 1)
      await clock.advance(1)
      // The token, where there is one, has been asked for: from now on requests are held.
      const asked = ['a', 'b', 'c'].map((each) => connection.request(echo, Buffer.from(each)))
      assert.deepEqual((await Promise.all(asked)).map(String), ['a', 'b', 'c'])
      assert.equal(last().logins, 2)
      const keys = broker.requests.slice(-6).map(({ apiKey }) => apiKey)
      assert.deepEqual(keys.slice(-3), [1000, 1000, 1000])
      assert.ok(keys.slice(0, 3).includes(36))
      await clock.advance(850)
      while (last().logins < 3) await settle()
      connection.close()
      assert.equal(clock.alarms, 0)
    })
  })

test('a broker that does not know the password is refused, though it lets everybody in', async () => {
  const { open } = await saslBroker({ isImpostor: true, password: 'another' })
  await assert.rejects(
    open({ mechanism: 'scram-sha-256', username: user, password }),
    rejectsWith('AUTHENTICATION_FAILED'),
  )
})

test('a login that fails later ends the connection, and what waits for it', async () => {
  const clock = new ManualClock()
  const { open } = await saslBroker({ sessionLifetimeMs: 1000 })
  let value = token
  const connection = await open(
    { mechanism: 'oauthbearer', token: async () => ({ value }) },
    { clock },
  )
  value = 'old'
  await clock.advance(850)
  await assert.rejects(
    connection.request(echo, Buffer.from('held')),
    rejectsWith('AUTHENTICATION_FAILED'),
  )
  assert.equal(connection.closed, true)
})

describe('a token', () => {
  test('has extensions', async () => {
    const { open, last } = await saslBroker()
    const extensions = { logicalCluster: 'lkc-1', traceId: 'a b' }
    const connection = await open({
      mechanism: 'oauthbearer',
      token: async () => ({ value: token, extensions }),
    })
    assert.equal(
      last().messages[0],
      `n,,\x01auth=Bearer ${token}\x01logicalCluster=lkc-1\x01traceId=a b\x01\x01`,
    )
    connection.close()
  })

  test('that could be read as something else is refused', async () => {
    const { open } = await saslBroker()
    const refused: readonly OAuthToken[] = [
      { value: 'a\x01auth=Bearer b' },
      { value: '' },
      { value: 'two words' },
      { value: token, extensions: { auth: 'x' } },
      { value: token, extensions: { 'a=b': 'x' } },
      { value: token, extensions: { a: 'x\x01y' } },
    ]
    for (const given of refused)
      await assert.rejects(
        open({ mechanism: 'oauthbearer', token: async () => given }),
        rejectsWith('SETTING_INVALID'),
      )
  })

  test('that cannot be had is an error that may pass', async () => {
    const { open } = await saslBroker()
    const refused = open({
      mechanism: 'oauthbearer',
      token: () => Promise.reject(new Error('the issuer is away')),
    })
    await assert.rejects(refused, /no token .*the issuer is away/)
    await assert.rejects(refused, rejectsWith('LOG_FAILED'))
  })
})
