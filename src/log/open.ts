// From a broker's address to an open log. Called by apps, commands and benches; loads only the
// driver that the address names.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { type Clock, systemClock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Settings } from '../settings.ts'
import type { SaslOptions, TokenLogin } from '../wire/login.ts'
import type { Backoff } from './kafka/backoff.ts'
import type { KafkaLogOptions } from './kafka/kafka_log.ts'
import type { Log } from './log.ts'

export interface LogOptions {
  /** What is not set has its default. */
  readonly settings?: Partial<Settings>
  readonly clock?: Clock
  /** Tells Kafka who asks. Default 'euphorion'. */
  readonly clientId?: string
  /** How to log in to Kafka, unless the settings say so. */
  readonly sasl?: TokenLogin
  /**
   * While another process has the embedded log open: go through it, or LOG_LOCKED. Default
   * 'refuse'.
   */
  readonly remote?: 'allow' | 'refuse'
}

type Broker =
  | { readonly kind: 'kafka'; readonly brokers: readonly string[]; readonly ssl: boolean }
  | { readonly kind: 'embedded'; readonly directory: string }

const defaultPort = 9092

/**
 * Opens `kafka://host[:9092][,host…]` (or with `;`), `kafka+ssl://host…`, `host:port[,…]`
 * or `embedded:./directory` (relative to the working directory). Rejects with SETTING_INVALID for
 * any other address, with BROKER_UNREACHABLE, LOG_LOCKED, LOG_CORRUPT.
 */
export async function openLog(broker: string, options: LogOptions = {}): Promise<Log> {
  const { settings = {}, clock = systemClock } = options
  const address = parseBroker(broker)
  if (address.kind === 'embedded') {
    const { shareEmbeddedLog } = await import('./embedded/in_process.ts')
    const { fsync } = settings
    return shareEmbeddedLog(address.directory, {
      clock,
      ...(fsync && { fsync }),
      ...(options.remote && { remote: options.remote }),
    })
  }
  const tls = address.ssl && tlsOf(settings)
  const sasl = saslOf(settings, options.sasl)
  const { clientId } = options
  const { brokers } = address
  const { connectTimeoutMs, requestTimeoutMs, sessionTimeoutMs } = settings
  const shared = { brokers, clientId, sasl, clock, connectTimeoutMs, requestTimeoutMs }
  if (settings.transport !== 'kafkajs') {
    const { openKafkaLog } = await import('./kafka/kafka_log.ts')
    return openKafkaLog({
      ...shared,
      tls,
      metadataMaxAgeMs: settings.metadataMaxAgeMs,
      deliveryTimeoutMs: settings.deliveryTimeoutMs,
      retryBackoff: backoffOf(settings.retryBackoffMs, settings.retryBackoffMaxMs),
      reconnectBackoff: backoffOf(settings.reconnectBackoffMs, settings.reconnectBackoffMaxMs),
      consumers: consumersOf(settings),
    })
  }
  const { openKafkajsLog } = await import('./kafkajs/kafkajs_log.ts')
  return openKafkajsLog({ ...shared, ssl: tls, sessionTimeoutMs })
}

/** Those that are set. */
function consumersOf(settings: Partial<Settings>): KafkaLogOptions['consumers'] {
  const names = [
    'fetchMaxWaitMs',
    'isolation',
    'sessionTimeoutMs',
    'heartbeatIntervalMs',
    'rebalanceTimeoutMs',
    'progressTimeoutMs',
    'instanceId',
    'rack',
  ] as const
  const given = names.filter((name) => settings[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, settings[name]]))
}

/** Undefined, for the default, unless both are set. */
function backoffOf(firstMs: number | undefined, mostMs: number | undefined): Backoff | undefined {
  return firstMs === undefined || mostMs === undefined ? undefined : { firstMs, mostMs }
}

/** SETTING_INVALID unless it is one of the forms that openLog knows. */
function parseBroker(broker: string): Broker {
  const embedded = /^embedded:(?!\/\/)(.+)$/.exec(broker)
  if (embedded) return { kind: 'embedded', directory: resolve(embedded[1]) }
  const scheme = /^kafka(\+ssl)?:\/\//.exec(broker)?.[0] ?? ''
  // without a scheme all have ports: a path must not be taken for a host
  const isKnown = scheme !== '' || /^[^\s:/,;]+:\d+([,;][^\s:/,;]+:\d+)*$/.test(broker)
  const brokers = broker
    .replace(/\/$/, '')
    .split(/[,;]/)
    .map((each) =>
      hostAndPort(each.trim().startsWith(scheme) ? each.trim().slice(scheme.length) : each),
    )
  if (!isKnown || !brokers.every((one) => one !== undefined))
    throw new EuphorionError(
      'SETTING_INVALID',
      `'${broker}' is no broker: write 'kafka://host:9092' (several: 'kafka://one,two', TLS: 'kafka+ssl://host') or 'embedded:./directory'`,
    )
  return { kind: 'kafka', brokers, ssl: scheme.includes('+ssl') }
}

function hostAndPort(text: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?$/.exec(text.trim())
  const port = Number(match?.[2] ?? defaultPort)
  return match && port >= 1 && port <= 65_535 ? `${match[1]}:${port}` : undefined
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new EuphorionError('SETTING_INVALID', `sslCaFile cannot be read: ${file}`, {
      cause,
      place: { path: file },
    })
  }
}

function tlsOf({ sslCaFile }: Partial<Settings>): TlsOptions {
  return sslCaFile === undefined ? {} : { ca: [readCertificates(sslCaFile)] }
}

/** The settings beat what code gives. */
function saslOf(
  { saslMechanism = 'none', saslUsername, saslPassword }: Partial<Settings>,
  given: TokenLogin | undefined,
): SaslOptions | undefined {
  if (saslMechanism === 'none') return given
  if (saslMechanism === 'oauthbearer') {
    if (given !== undefined) return given
    throw new EuphorionError(
      'SETTING_INVALID',
      "saslMechanism 'oauthbearer' needs tokens: new App(id, { sasl: { mechanism: 'oauthbearer', token: async () => … } })",
    )
  }
  if (saslUsername === undefined || saslPassword === undefined)
    throw new EuphorionError(
      'SETTING_INVALID',
      `saslMechanism '${saslMechanism}' needs saslUsername and saslPassword`,
    )
  return { mechanism: saslMechanism, username: saslUsername, password: saslPassword }
}
