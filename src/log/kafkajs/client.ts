// Makes kafkajs clients: connection options, every codec, no output of its own, and three repairs
// of kafkajs 2.2.4. Called by the driver, its producers and its consumers.
import { createRequire } from 'node:module'
import type { ConnectionOptions } from 'node:tls'
import kafkajs, {
  type Cluster,
  type ISocketFactory,
  type Kafka,
  type LogEntry,
  type SASLOptions,
} from 'kafkajs'
import type { Clock } from '../../clock.ts'
import { type Compression, compress, decompress } from '../../wire/compression.ts'
import type { SaslOptions } from '../../wire/login.ts'
import { decompressedBytesMax } from '../../wire/record_batch.ts'

export interface KafkajsOptions {
  /** host:port of at least one broker. */
  readonly brokers: readonly string[]
  /** Default 'euphorion'. */
  readonly clientId?: string
  /** Default false. */
  readonly ssl?: boolean | ConnectionOptions
  readonly sasl?: SaslOptions
  /** ms for one connection to be made. Default 2000. */
  readonly connectionTimeoutMs?: number
  /** ms for the first connection of all, tries included. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** ms for an answer. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Further tries of a request, with growing pauses of 100 ms to 1 s. Default 3. */
  readonly retries?: number
  /** ms without a heartbeat after which the group gives a member up. Default 10,000. */
  readonly sessionTimeoutMs?: number
  readonly clock?: Clock
}

export type ClientMaker = (onLog?: (entry: LogEntry) => void, retries?: number) => Kafka

/**
 * Each call makes a client of its own: consumers of one group that share one share its offsets too.
 */
export function clientMaker(options: KafkajsOptions, socketFactory: ISocketFactory): ClientMaker {
  installCodecs()
  repairRequestQueue()
  repairNullHeaders()
  return (onLog, retries = options.retries ?? 3) =>
    new kafkajs.Kafka({
      brokers: [...options.brokers],
      clientId: options.clientId ?? 'euphorion',
      ssl: options.ssl ?? false,
      sasl: kafkajsSasl(options.sasl),
      connectionTimeout: options.connectionTimeoutMs ?? 2000,
      authenticationTimeout: options.requestTimeoutMs ?? 30_000,
      requestTimeout: options.requestTimeoutMs ?? 30_000,
      retry: { retries, initialRetryTime: 100, maxRetryTime: 1000 },
      logLevel: onLog ? kafkajs.logLevel.WARN : kafkajs.logLevel.NOTHING,
      logCreator: () => (entry) => onLog?.(entry),
      socketFactory,
    })
}

/** An object of its own: kafkajs writes into it. */
function kafkajsSasl(sasl: SaslOptions | undefined): SASLOptions | undefined {
  if (sasl?.mechanism !== 'oauthbearer') return sasl && { ...sasl }
  return { mechanism: 'oauthbearer', oauthBearerProvider: sasl.token }
}

/**
 * The cluster under a client, for requests that the client does not offer. Custom assigners are
 * given one, so an assigner that is never run is the way to it without private imports.
 */
export function clusterOf(kafka: Kafka): Cluster {
  let found: Cluster | undefined
  kafka.consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return {
          name: 'unused',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'unused', metadata: Buffer.alloc(0) }),
        }
      },
    ],
  })
  return found!
}

export const compressionTypes: Readonly<Record<Compression, number>> = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
}

/** kafkajs has gzip alone, and asks its users for the rest. */
function installCodecs(): void {
  const codecs: Record<number, () => unknown> = kafkajs.CompressionCodecs
  for (const name of ['gzip', 'snappy', 'lz4', 'zstd'] as const)
    codecs[compressionTypes[name]] = () => ({
      compress: async (encoder: { readonly buffer: Buffer }) =>
        asBuffer(compress(name, encoder.buffer)),
      decompress: async (bytes: Buffer) => asBuffer(decompress(name, bytes, decompressedBytesMax)),
    })
}

const asBuffer = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

let repaired = false

/**
 * The queue of kafkajs sets a timer with a negative time after every look at itself: a loop of one
 * turn a millisecond for as long as a connection lives, and a warning from Node 24 on
 * (tulios/kafkajs#1751, open). Where no request waits there is nothing to look for.
 */
function repairRequestQueue(): void {
  if (repaired) return
  repaired = true
  const require = createRequire(import.meta.url)
  const Queue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  const schedule = Queue.prototype.scheduleCheckPendingRequests
  Queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}

interface Header {
  readonly key: string
  readonly value: Buffer
}

/** Stands for null as the value of a header that is sent. */
export const nullHeader = Buffer.alloc(0)

let nullHeadersRepaired = false

/**
 * kafkajs could write null as a header's value, but fails when it measures it. An empty value is as
 * large (one byte), so null is put in when that is written. kafkajs loads the module that is
 * replaced here at its first produce request.
 */
function repairNullHeaders(): void {
  if (nullHeadersRepaired) return
  nullHeadersRepaired = true
  const require = createRequire(import.meta.url)
  const path = require.resolve('kafkajs/src/protocol/recordBatch/header/v0')
  const encode = require(path) as (header: { key: string; value: Buffer | null }) => unknown
  require.cache[path]!.exports = ({ key, value }: Header) =>
    encode({ key, value: value === nullHeader ? null : value })
}
