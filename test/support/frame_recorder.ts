// A TCP pass-through to a broker that notes what goes by, and a client of one bare socket that sends
// any request in any version. Used by record_requests.ts.
import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Decoder } from '../../src/wire/decoder.ts'
import { Encoder } from '../../src/wire/encoder.ts'
import type { RequestType } from '../../src/wire/request.ts'
import { requests } from '../../src/wire/requests.ts'

/** A request and its answer, without their headers. */
export interface Exchange {
  readonly clientId: string | null
  readonly name: string
  readonly version: number
  readonly sent: Buffer
  readonly received: Buffer
}

interface Sent {
  readonly clientId: string | null
  readonly type: RequestType<never, unknown>
  readonly version: number
  readonly body: Buffer
}

/** Type by api key and version, where it is one that we speak. */
function typeOf(apiKey: number, version: number): RequestType<never, unknown> | undefined {
  return Object.values(requests).find(
    (type) => type.apiKey === apiKey && version >= type.versions[0] && version <= type.versions[1],
  ) as RequestType<never, unknown> | undefined
}

export class FrameRecorder {
  readonly exchanges: Exchange[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(brokerPort: number) {
    this.#server = createServer((client) => {
      const broker = connect(brokerPort, '127.0.0.1')
      for (const socket of [client, broker]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => this.#sockets.delete(socket))
      }
      const waiting = new Map<number, Sent>()
      eachFrame(client, (frame) => noteRequest(frame, waiting))
      eachFrame(broker, (frame) => this.#noteAnswer(frame, waiting))
      client.pipe(broker)
      broker.pipe(client)
    })
  }

  static async open(brokerPort: number): Promise<FrameRecorder> {
    const recorder = new FrameRecorder(brokerPort)
    recorder.#server.listen(0, '127.0.0.1')
    await once(recorder.#server, 'listening')
    return recorder
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #noteAnswer(frame: Buffer, waiting: Map<number, Sent>): void {
    const from = new Decoder(frame)
    const correlationId = from.int32()
    const sent = waiting.get(correlationId)
    if (sent === undefined) return
    waiting.delete(correlationId)
    const { type, version, body, clientId } = sent
    // ApiVersions is answered with the first header whatever its version is.
    from.flexible = version >= type.flexibleFrom && type.apiKey !== requests.ApiVersions.apiKey
    from.tags()
    const received = Buffer.from(frame.subarray(from.at))
    this.exchanges.push({ clientId, name: type.name, version, sent: body, received })
  }
}

function noteRequest(frame: Buffer, waiting: Map<number, Sent>): void {
  const from = new Decoder(frame)
  const apiKey = from.int16()
  const version = from.int16()
  const correlationId = from.int32()
  const clientId = from.nullableString()
  const type = typeOf(apiKey, version)
  if (type === undefined) return
  from.flexible = version >= type.flexibleFrom
  from.tags()
  waiting.set(correlationId, {
    clientId,
    type,
    version,
    body: Buffer.from(frame.subarray(from.at)),
  })
}

function eachFrame(socket: Socket, visit: (frame: Buffer) => void): void {
  let bytes = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const size = bytes.readInt32BE(0)
      visit(bytes.subarray(4, 4 + size))
      bytes = bytes.subarray(4 + size)
    }
  })
}

/** One question after the other. */
export class BareClient {
  readonly #socket: Socket
  readonly #highest = new Map<number, number>()
  #correlationId = 0
  #onAnswer: (frame: Buffer) => void = () => {}
  #onClose: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    eachFrame(socket, (frame) => this.#onAnswer(frame))
    socket.on('close', () => this.#onClose())
  }

  static async open(port: number): Promise<BareClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const client = new BareClient(socket)
    const body = { clientSoftwareName: 'euphorion', clientSoftwareVersion: '0.1.0' }
    const { apiKeys } = await client.ask(requests.ApiVersions, 3, body)
    for (const { apiKey, maxVersion } of apiKeys) client.#highest.set(apiKey, maxVersion)
    return client
  }

  /** Versions that we and the broker speak; none when the highest is below the lowest. */
  versions(type: Pick<RequestType<never, unknown>, 'apiKey' | 'versions'>): [number, number] {
    const [lowest, highest] = type.versions
    return [lowest, Math.min(highest, this.#highest.get(type.apiKey) ?? -1)]
  }

  async ask<Q, A>(type: RequestType<Q, A>, version: number, body: Q): Promise<A> {
    const flexible = version >= type.flexibleFrom
    const to = new Encoder()
    to.int32(0)
    to.int16(type.apiKey)
    to.int16(version)
    to.int32(++this.#correlationId)
    to.string('euphorion')
    to.flexible = flexible
    to.end()
    type.encode(to, body, version)
    to.int32At(0, to.size - 4)
    const frame = await new Promise<Buffer>((resolve, reject) => {
      this.#onAnswer = resolve
      this.#onClose = () => reject(new Error(`${type.name} ${version}: closed`))
      this.#socket.write(Buffer.from(to.finish()))
    })
    const from = new Decoder(frame)
    assert.equal(from.int32(), this.#correlationId)
    from.flexible = flexible && type.apiKey !== requests.ApiVersions.apiKey
    from.tags()
    from.flexible = flexible
    const answer = type.decode(from, version)
    assert.equal(from.left, 0, `${type.name} ${version}: an answer was not read to its end`)
    return answer
  }

  close(): void {
    this.#socket.destroy()
  }
}
