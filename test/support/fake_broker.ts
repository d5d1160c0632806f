// A server that speaks as much of Kafka's protocol as a test tells it, and cuts what it writes into
// pieces as the test wants. Used by tests of connections and of the cluster.
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { Decoder } from '../../src/wire/decoder.ts'

export interface FakeRequest {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Behind the header. */
  readonly body: Buffer
}

export interface FakeBroker {
  readonly port: number
  readonly requests: readonly FakeRequest[]
  /** Connections so far. */
  readonly connections: number
  /** Ends all connections. */
  cut(): void
  stop(): Promise<void>
}

export interface FakeBrokerOptions {
  readonly tls?: TlsOptions
  /** Called with each request; writes the answer, or leaves it out. */
  readonly onRequest: (request: FakeRequest, socket: Socket) => void
}

/** Header versions by KIP-482: the tests' requests below are the ones that are not flexible. */
function isFlexible(apiKey: number, version: number): boolean {
  if (apiKey === apiKeys.ApiVersions) return version >= 3
  if (apiKey === apiKeys.SaslHandshake) return false
  if (apiKey === apiKeys.SaslAuthenticate) return version >= 2
  if (apiKey === apiKeys.ListOffsets) return version >= 6
  if (apiKey === apiKeys.Metadata) return version >= 9
  if (apiKey === apiKeys.FindCoordinator) return version >= 3
  if (apiKey === apiKeys.Fetch) return version >= 12
  return false
}

export const apiKeys = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  FindCoordinator: 10,
  SaslHandshake: 17,
  ApiVersions: 18,
  SaslAuthenticate: 36,
  /** Made up by tests: any bytes there and back. */
  Echo: 1000,
} as const

export async function startFakeBroker(options: FakeBrokerOptions): Promise<FakeBroker> {
  const requests: FakeRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const serve = (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.setNoDelay(true)
    let read: Buffer = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      read = Buffer.concat([read, bytes])
      while (read.length >= 4 && read.length >= 4 + read.readInt32BE(0)) {
        const size = read.readInt32BE(0)
        const request = readRequest(read.subarray(4, 4 + size))
        read = read.subarray(4 + size)
        requests.push(request)
        options.onRequest(request, socket)
      }
    })
  }
  const server = options.tls ? createTlsServer(options.tls, serve) : createServer(serve)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    requests,
    get connections() {
      return connections
    },
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function readRequest(bytes: Buffer): FakeRequest {
  const from = new Decoder(bytes)
  const apiKey = from.int16()
  const version = from.int16()
  const correlationId = from.int32()
  const clientId = from.nullableString()
  from.flexible = isFlexible(apiKey, version)
  from.tags()
  return { apiKey, version, correlationId, clientId, body: bytes.subarray(from.at) }
}

/** An answer with its size and header. */
export function answerTo(request: FakeRequest, body: Uint8Array, tags = Buffer.from([0])): Buffer {
  const flexible =
    isFlexible(request.apiKey, request.version) && request.apiKey !== apiKeys.ApiVersions
  const header = Buffer.alloc(8)
  header.writeInt32BE(request.correlationId, 4)
  const whole = Buffer.concat([header, flexible ? tags : Buffer.alloc(0), body])
  whole.writeInt32BE(whole.length - 4)
  return whole
}

/** The body of an ApiVersions answer: every request of `apiKeys` in versions 0 to 100. */
export function versionsBody(version: number, errorCode = 0): Buffer {
  const keys = Object.values(apiKeys)
  const flexible = version >= 3
  const parts = [Buffer.alloc(2)]
  parts[0].writeInt16BE(errorCode)
  const count = Buffer.alloc(flexible ? 1 : 4)
  if (flexible) count.writeUInt8(keys.length + 1)
  else count.writeInt32BE(keys.length)
  parts.push(count)
  for (const key of keys) {
    const range = Buffer.alloc(flexible ? 7 : 6)
    range.writeInt16BE(key)
    range.writeInt16BE(100, 4)
    parts.push(range)
  }
  if (version >= 1) parts.push(Buffer.alloc(4))
  if (flexible) parts.push(Buffer.alloc(1))
  return Buffer.concat(parts)
}
