// A request whose answer is what was sent, the broker's half of it, and options for a connection to
// such a broker. Used by tests of connections.
import { systemClock } from '../../src/clock.ts'
import type { ConnectionOptions } from '../../src/wire/connection.ts'
import type { RequestType } from '../../src/wire/request.ts'
import { makeCertificate } from './certificate.ts'
import { answerTo, apiKeys, type FakeRequest, versionsBody } from './fake_broker.ts'

export const echo: RequestType<Buffer, Buffer> = {
  name: 'Echo',
  apiKey: apiKeys.Echo,
  versions: [0, 7],
  flexibleFrom: 100,
  encode: (to, body) => to.raw(body),
  decode: (from) => Buffer.from(from.bytes.subarray(from.at, from.end)),
}

/** Also to ApiVersions. */
export function echoAnswer(request: FakeRequest): Buffer {
  const isVersions = request.apiKey === apiKeys.ApiVersions
  return answerTo(request, isVersions ? versionsBody(request.version) : request.body)
}

/** Of a TLS server at localhost, which is its own authority. */
export const tlsServer = (() => {
  const names = ['localhost', '127.0.0.1']
  const { certificate, key } = makeCertificate({ subject: 'localhost', names })
  return { cert: certificate, key }
})()

export function optionsFor(port: number, more: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return {
    host: '127.0.0.1',
    port,
    clientId: 'test',
    tls: false,
    connectTimeoutMs: 5000,
    requestTimeoutMs: 5000,
    answerBytesMax: 1024 * 1024,
    clock: systemClock,
    ...more,
  }
}
