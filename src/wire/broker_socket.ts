// Opens a socket to a broker, plain or TLS, that reads into buffers of our choice. Used by
// Connection.
import { connect, isIP, isIPv6, type OnReadOpts, type Socket } from 'node:net'
import { type ConnectionOptions as TlsOptions, connect as tlsConnect } from 'node:tls'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'

export interface SocketOptions {
  readonly host: string
  readonly port: number
  /** False: plain text. */
  readonly tls: false | TlsOptions
  /** ms for TCP and TLS together. */
  readonly connectTimeoutMs: number
  readonly clock: Clock
}

/** Asked for a buffer before each read; hears of what was read into it. */
export interface SocketReader {
  buffer(): Uint8Array
  /** False stops reading until the socket's resume(). */
  arrived(count: number, buffer: Uint8Array): boolean
}

const keepAliveMs = 60_000

/** Rejects with BROKER_UNREACHABLE, naming host, port and cause. */
export function openSocket(options: SocketOptions, reader: SocketReader): Promise<Socket> {
  const { host, port, tls, connectTimeoutMs, clock } = options
  const onread = {
    buffer: () => reader.buffer(),
    callback: (count: number, buffer: Uint8Array) => reader.arrived(count, buffer),
  }
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls(host, port, tls, onread)
      : connect({ host, port, onread, noDelay: true, keepAlive: true })
    const cancel = clock.after(connectTimeoutMs, () =>
      fail(new Error(`no connection in ${connectTimeoutMs} ms`)),
    )
    const fail = (cause: Error) => {
      settle()
      // What it says from now on interests nobody.
      socket.on('error', () => {})
      socket.destroy()
      reject(unreachable(host, port, cause))
    }
    const ended = () => fail(new Error('the connection was closed'))
    const settle = () => {
      cancel()
      socket.off('error', fail).off('close', ended).off('connect', opened)
      socket.off('secureConnect', opened)
    }
    const opened = () => {
      settle()
      socket.setNoDelay(true)
      socket.setKeepAlive(true, keepAliveMs)
      resolve(socket)
    }
    socket.once('error', fail).once('close', ended)
    socket.once(tls ? 'secureConnect' : 'connect', opened)
  })
}

/** tls.connect() knows `onread`; its types do not. */
function connectTls(host: string, port: number, tls: TlsOptions, onread: OnReadOpts): Socket {
  const servername = isIP(host) === 0 ? { servername: host } : {}
  const options: TlsOptions & { onread: OnReadOpts } = { ...servername, ...tls, host, port, onread }
  return tlsConnect(options)
}

/** host:port, an IPv6 address in brackets. */
export function shownAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

function unreachable(host: string, port: number, cause: Error): EuphorionError {
  // An address with several IPs fails with all their errors and no message of its own.
  const first = cause instanceof AggregateError ? (cause.errors[0] as Error) : cause
  const { code = '', message } = first as NodeJS.ErrnoException
  const where = shownAddress(host, port)
  if (/^ERR_SSL_|^EPROTO$/.test(code))
    return new EuphorionError('PROTOCOL_VIOLATED', `${where} does not answer in TLS`, { cause })
  const isTrust = /CERT|SIGNATURE|ISSUER/.test(code)
  const isPlain = message.includes('before secure TLS connection')
  const plainHint = isPlain ? '; perhaps the port has no TLS (kafka://)' : ''
  const hint = isTrust ? '; sslCaFile names whom to trust' : plainHint
  return new EuphorionError(
    'BROKER_UNREACHABLE',
    `${where} cannot be reached: ${message || code}${hint}`,
    { cause },
  )
}
