// A TCP proxy in front of Kafka's brokers that does to connections what networks do: delays, cuts
// in the middle of a frame, silence, ports that lead elsewhere. Used by tests of the wire driver.
import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { FrameScanner, requestBytes, responseBytes } from './proxy_frames.ts'
import { ProxyPipe } from './proxy_pipe.ts'

/** What a rule sees: one request or response at its first byte. */
export interface ProxiedFrame {
  readonly gate: number
  /** Connections are numbered from 0, over all gates. */
  readonly connection: number
  /** How many frames of this direction the connection has had before. */
  readonly index: number
  readonly apiKey: number
  readonly apiVersion: number
  /** With the four bytes of its length. */
  readonly bytes: number
}

/** What happens to a frame; the first that is set. */
export interface FrameFault {
  /** Exactly so many bytes of it are passed on, then both sides are closed. */
  readonly cutAfter?: number
  /** Exactly so many bytes are passed on, then nothing any more: the sides stay open. */
  readonly stallAfter?: number
  /** It comes so much later, and what is behind it too. */
  readonly delayMs?: number
}

/** What happens to a connection from its begin. */
export interface ConnectionFault {
  /** Closed at once. */
  readonly refuse?: boolean
  /** Accepted; nothing is ever passed on. */
  readonly silent?: boolean
  /** In each direction. */
  readonly delayMs?: number
  /** In each direction. */
  readonly bytesPerSecond?: number
  /** Closed instead of passing on one more. */
  readonly requestsMax?: number
}

/** Asked as connections and frames come; may be exchanged at any time. TLS hides frames. */
export interface ProxyRules {
  readonly connection?: (gate: number, connection: number) => ConnectionFault | undefined
  readonly request?: (frame: ProxiedFrame) => FrameFault | undefined
  readonly response?: (frame: ProxiedFrame) => FrameFault | undefined
}

export interface GateCounts {
  /** That have been accepted. */
  readonly connections: number
  readonly open: number
  readonly bytesUp: number
  readonly bytesDown: number
}

interface Gate {
  readonly server: Server
  target: number
  connections: number
  bytesUp: number
  bytesDown: number
  readonly open: Set<ProxiedConnection>
}

export class FaultProxy {
  readonly #gates: Gate[] = []
  #connections = 0
  rules: ProxyRules = {}

  /** One listening port each; where they lead is said by lead(). */
  static async open(gates: number): Promise<FaultProxy> {
    const proxy = new FaultProxy()
    for (let index = 0; index < gates; index++) {
      const server = createServer({ allowHalfOpen: true }, (socket) => proxy.#accept(index, socket))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const gate: Gate = {
        server,
        target: 0,
        connections: 0,
        bytesUp: 0,
        bytesDown: 0,
        open: new Set(),
      }
      proxy.#gates.push(gate)
    }
    return proxy
  }

  get ports(): number[] {
    return this.#gates.map(({ server }) => (server.address() as { port: number }).port)
  }

  /** From now on new connections of these gates lead to these ports, in this order. */
  lead(targets: readonly number[]): void {
    for (const [index, target] of targets.entries()) this.#gates[index].target = target
  }

  counts(gate: number): GateCounts {
    const { connections, bytesUp, bytesDown, open } = this.#gates[gate]
    return { connections, bytesUp, bytesDown, open: open.size }
  }

  /** Closes what is open, of one gate or of all. */
  cut(gate?: number): void {
    for (const each of this.#open(gate)) each.cut()
  }

  /**
   * What is open falls silent for good: bytes are taken and lost, and the client does not learn that
   * its broker closes.
   */
  silence(gate?: number): void {
    for (const each of this.#open(gate)) each.silence()
  }

  async close(): Promise<void> {
    this.cut()
    await Promise.all(
      this.#gates.map(({ server }) => new Promise((resolve) => server.close(resolve))),
    )
  }

  #open(gate?: number): ProxiedConnection[] {
    const gates = gate === undefined ? this.#gates : [this.#gates[gate]]
    return gates.flatMap(({ open }) => [...open])
  }

  #accept(index: number, client: Socket): void {
    const gate = this.#gates[index]
    const id = this.#connections++
    gate.connections++
    const fault = this.rules.connection?.(index, id) ?? {}
    if (fault.refuse) {
      client.resetAndDestroy()
      return
    }
    const connection = new ProxiedConnection(client, gate.target, fault, {
      rule: (direction, frame) =>
        this.rules[direction]?.({ ...frame, gate: index, connection: id }),
      passed: (direction, bytes) => {
        if (direction === 'request') gate.bytesUp += bytes
        else gate.bytesDown += bytes
      },
      closed: () => void gate.open.delete(connection),
    })
    gate.open.add(connection)
    connection.start()
  }
}

type Direction = 'request' | 'response'

interface Watcher {
  rule(
    direction: Direction,
    frame: Omit<ProxiedFrame, 'gate' | 'connection'>,
  ): FrameFault | undefined
  passed(direction: Direction, bytes: number): void
  closed(): void
}

/** A client's connection and the one to its broker. */
class ProxiedConnection {
  readonly #client: Socket
  readonly #broker = new Socket({ allowHalfOpen: true })
  readonly #target: number
  readonly #fault: ConnectionFault
  readonly #watcher: Watcher
  /** What was asked and is not answered yet: Kafka answers in order. */
  readonly #asked: { apiKey: number; apiVersion: number }[] = []
  #isSilent = false
  #hasClosed = false

  constructor(client: Socket, target: number, fault: ConnectionFault, watcher: Watcher) {
    this.#client = client
    this.#target = target
    this.#fault = fault
    this.#watcher = watcher
  }

  start(): void {
    this.#client.setNoDelay(true)
    this.#broker.setNoDelay(true)
    for (const socket of [this.#client, this.#broker]) {
      socket.on('error', () => this.#ended())
      socket.on('close', () => this.#ended())
    }
    if (this.#fault.silent) this.silence()
    else this.#broker.connect(this.#target, '127.0.0.1')
    this.#pipe('request', this.#client, this.#broker)
    this.#pipe('response', this.#broker, this.#client)
  }

  cut(): void {
    this.#hasClosed = true
    this.#client.destroy()
    this.#broker.destroy()
    this.#watcher.closed()
  }

  silence(): void {
    this.#isSilent = true
  }

  /** One side is gone: the other learns of it, unless all is silence. */
  #ended(): void {
    if (!this.#hasClosed && (!this.#isSilent || this.#client.destroyed)) this.cut()
  }

  #pipe(direction: Direction, from: Socket, to: Socket): void {
    const { delayMs, bytesPerSecond } = this.#fault
    const pipe = new ProxyPipe({
      from,
      to,
      delayMs,
      bytesPerSecond,
      scanner: new FrameScanner(direction === 'request' ? requestBytes : responseBytes),
      fault: (head, bytes, index) => this.#faultOf(direction, head, bytes, index),
      isSilent: () => this.#isSilent,
      passed: (bytes) => this.#watcher.passed(direction, bytes),
      cut: () => this.cut(),
      stall: () => this.silence(),
    })
    from.once('end', () => {
      if (this.#isSilent && from === this.#client) this.cut()
      else void pipe.end()
    })
  }

  #faultOf(
    direction: Direction,
    head: Buffer,
    bytes: number,
    index: number,
  ): FrameFault | undefined {
    if (direction === 'request') {
      const { requestsMax } = this.#fault
      if (requestsMax !== undefined && index >= requestsMax) return { cutAfter: 0 }
      this.#asked.push({ apiKey: head.readInt16BE(4), apiVersion: head.readInt16BE(6) })
    }
    const asked = direction === 'request' ? this.#asked.at(-1) : this.#asked.shift()
    const { apiKey = -1, apiVersion = -1 } = asked ?? {}
    return this.#watcher.rule(direction, { index, apiKey, apiVersion, bytes })
  }
}
