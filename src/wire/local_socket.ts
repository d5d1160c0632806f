// Requests between processes of one machine over a Unix domain socket (Windows: a named pipe). The
// owner of an embedded log and a running worker serve; the command line connects.
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type ErrorCode, EuphorionError } from '../errors.ts'
import {
  encodeFrame,
  type Frame,
  FrameReader,
  frameKinds,
  packError,
  unpackError,
} from './local_frame.ts'

export interface LocalReply {
  /** Anything that JSON can say. */
  readonly value: unknown
  readonly payload?: Uint8Array
}

/**
 * Answers a request; what it throws is thrown at the other side, with its code. `gone` is aborted
 * when the connection ends.
 */
export type LocalHandler = (
  argument: unknown,
  payload: Uint8Array,
  gone: AbortSignal,
) => Promise<LocalReply>

export interface LocalSocketOptions {
  /** Largest request or reply. Default 64 MiB. */
  readonly maxFrameBytes?: number
}

export interface LocalServer {
  /** Stops serving and closes the connections. */
  close(): Promise<void>
}

export interface LocalClient {
  /** Several may be under way; each is answered on its own. */
  request(name: string, argument: unknown, payload?: Uint8Array): Promise<LocalReply>
  /** Whether the connection has ended; every request is rejected from then on. */
  readonly lost: boolean
  close(): void
}

const maxFrameBytesDefault = 64 * 1024 * 1024
/** Systems allow 104 to 108 bytes. */
const pathBytesMax = 100
/** Requests of one connection that are worked on; reading pauses beyond. */
const requestsMax = 256

/** Where a socket for `path` really is. */
function socketAddress(path: string): string {
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 24)
  if (process.platform === 'win32') return `\\\\.\\pipe\\euphorion-${hash}`
  if (Buffer.byteLength(path) <= pathBytesMax) return path
  const directory = join(tmpdir(), `euphorion-${process.getuid?.() ?? 0}`)
  return join(directory, `${hash}.sock`)
}

/** Serves requests at `path` by name. A stale socket file is removed; a live one is LOG_LOCKED. */
export async function serveLocal(
  path: string,
  handlers: Readonly<Record<string, LocalHandler>>,
  { maxFrameBytes = maxFrameBytesDefault }: LocalSocketOptions = {},
): Promise<LocalServer> {
  const address = socketAddress(path)
  if (address !== path && process.platform !== 'win32') makePrivateDirectory(address)
  const connections = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    serveConnection(socket, handlers, maxFrameBytes)
  })
  try {
    await listen(server, address)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw serveFailed(address, cause)
    if (await answers(address))
      throw new EuphorionError('LOG_LOCKED', `another process serves ${address}`, { cause })
    await fs.promises.rm(address, { force: true })
    await listen(server, address).catch((again) => {
      throw serveFailed(address, again)
    })
  }
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

function serveFailed(address: string, cause: unknown): EuphorionError {
  return new EuphorionError('LOG_FAILED', `no socket can be opened at ${address}`, {
    cause,
    place: { path: address },
  })
}

function makePrivateDirectory(address: string): void {
  fs.mkdirSync(dirname(address), { recursive: true, mode: 0o700 })
  if (!isOurs(dirname(address)))
    throw serveFailed(address, new Error(`${dirname(address)} belongs to another user`))
}

/** Nobody else may put a socket where ours is looked for. */
function isOurs(directory: string): boolean {
  const { uid } = fs.lstatSync(directory)
  return uid === (process.getuid?.() ?? uid)
}

function listen(server: net.Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Kept: a connection that cannot be accepted (no descriptor is left) is no end of the process.
    server.on('error', reject)
    server.listen(address, resolve)
    if (process.platform !== 'win32') ownerOnly(address)
  })
}

/** Whatever the umask is, no other user may connect. In the turn of listen(): nobody has yet. */
function ownerOnly(address: string): void {
  try {
    fs.chmodSync(address, 0o600)
  } catch {
    // Nothing was bound: listen() says why.
  }
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(address)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function serveConnection(
  socket: net.Socket,
  handlers: Readonly<Record<string, LocalHandler>>,
  maxFrameBytes: number,
): void {
  const reader = new FrameReader(maxFrameBytes)
  const gone = new AbortController()
  const room = roomOf(socket)
  let working = 0
  const answer = async ({ id, json, payload }: Frame): Promise<void> => {
    working++
    if (working === requestsMax) socket.pause()
    try {
      const { name, argument } = (json ?? {}) as { name: string; argument: unknown }
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
      if (handler === undefined)
        throw new EuphorionError('CAPABILITY_MISSING', `this process does not answer '${name}'`)
      const reply = await handler(argument, payload, gone.signal)
      send(socket, id, frameKinds.reply, reply.value, reply.payload, maxFrameBytes)
    } catch (error) {
      send(socket, id, frameKinds.error, packError(error), undefined, maxFrameBytes)
    }
    // A request counts until its reply has room: who asks and does not read is not served on.
    if (socket.writableNeedDrain) await room()
    working--
    if (working === requestsMax - 1) socket.resume()
  }
  socket.on('error', () => socket.destroy())
  socket.on('close', () => gone.abort())
  socket.on('data', (chunk: Buffer) => {
    const frames = reader.push(chunk)
    if (frames === undefined) socket.destroy()
    else for (const frame of frames) void answer(frame)
  })
}

/** A promise, shared by all who wait, that the socket takes more or has closed. */
function roomOf(socket: net.Socket): () => Promise<void> {
  let waiting: Promise<void> | undefined
  return () => {
    waiting ??= new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done)
        socket.off('close', done)
        waiting = undefined
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
    return waiting
  }
}

/** RECORD_TOO_LARGE when the frame is larger than what the other side takes. */
function send(
  socket: net.Socket,
  id: number,
  kind: number,
  json: unknown,
  payload: Uint8Array | undefined,
  maxFrameBytes: number,
): void {
  const frame = encodeFrame(id, kind, json, payload)
  if (frame.bytes > maxFrameBytes)
    throw new EuphorionError(
      'RECORD_TOO_LARGE',
      `a message of ${frame.bytes} bytes; the local socket takes ${maxFrameBytes}`,
    )
  if (socket.destroyed) return
  socket.cork()
  socket.write(frame.head)
  if (frame.payload) socket.write(frame.payload)
  socket.uncork()
}

export interface ConnectLocalOptions extends LocalSocketOptions {
  /** Code of the error when nobody answers, or the connection is lost. Default LOG_FAILED. */
  readonly unavailable?: ErrorCode
}

/** Connects to whoever serves `path`. An idle connection does not keep the process alive. */
export async function connectLocal(
  path: string,
  { maxFrameBytes = maxFrameBytesDefault, unavailable = 'LOG_FAILED' }: ConnectLocalOptions = {},
): Promise<LocalClient> {
  const address = socketAddress(path)
  const failed = (cause: unknown): EuphorionError =>
    new EuphorionError(unavailable, `nobody answers at ${address}`, { cause })
  const directory = dirname(address)
  if (address !== path && process.platform !== 'win32' && fs.existsSync(directory)) {
    if (!isOurs(directory)) throw failed(new Error(`${directory} belongs to another user`))
  }
  const socket = await new Promise<net.Socket>((resolve, reject) => {
    const connecting = net.connect(address)
    connecting.once('connect', () => {
      connecting.removeAllListeners('error')
      resolve(connecting)
    })
    connecting.once('error', (cause) => reject(failed(cause)))
  })
  return new SocketClient(socket, maxFrameBytes, unavailable)
}

interface Waiting {
  readonly resolve: (reply: LocalReply) => void
  readonly reject: (error: Error) => void
}

class SocketClient implements LocalClient {
  readonly #socket: net.Socket
  readonly #maxFrameBytes: number
  readonly #unavailable: ErrorCode
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1

  constructor(socket: net.Socket, maxFrameBytes: number, unavailable: ErrorCode) {
    this.#socket = socket
    this.#maxFrameBytes = maxFrameBytes
    this.#unavailable = unavailable
    const reader = new FrameReader(maxFrameBytes)
    socket.on('data', (chunk: Buffer) => {
      const frames = reader.push(chunk)
      if (frames === undefined) socket.destroy()
      else for (const frame of frames) this.#settle(frame)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#lost())
    socket.unref()
  }

  request(name: string, argument: unknown, payload?: Uint8Array): Promise<LocalReply> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(this.#lostError())
      const id = this.#nextId++ >>> 0
      send(this.#socket, id, frameKinds.request, { name, argument }, payload, this.#maxFrameBytes)
      this.#waiting.set(id, { resolve, reject })
      this.#socket.ref()
    })
  }

  get lost(): boolean {
    return this.#socket.destroyed
  }

  #settle({ id, kind, json, payload }: Frame): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#socket.unref()
    if (kind === frameKinds.reply) waiting?.resolve({ value: json, payload })
    else waiting?.reject(unpackError(json))
  }

  #lostError(): EuphorionError {
    return new EuphorionError(this.#unavailable, 'the connection to the other process was lost')
  }

  #lost(): void {
    for (const { reject } of this.#waiting.values()) reject(this.#lostError())
    this.#waiting.clear()
  }

  close(): void {
    this.#socket.destroy()
  }
}
