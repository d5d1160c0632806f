// What a worker answers over HTTP: reads of its partitions by other workers, rows of tables as JSON
// for everybody who may, how it is, and the program's pages. Started by the worker before it joins
// the group, which is told the address.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { hostname } from 'node:os'
import { serve } from '@hono/node-server'
import { type Context, Hono, type Next } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { KEY_TABLE_BYTES } from '../batch/keys.ts'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import { expositionType } from '../metrics/exposition.ts'
import type { Settings } from '../settings.ts'
import type { TablePart } from '../table/cell.ts'
import { packEntries, packValues } from '../table/packed.ts'
import type { App } from './app.ts'
import { within } from './app_context.ts'
import type { Health } from './health.ts'
import { parseKey } from './key_text.ts'
import {
  localKey,
  makePortable,
  type PartRead,
  PORTABLE_TABLE,
  READ_KEYS_MAX,
  READ_ROWS_MAX,
} from './part_reads.ts'
import type { QueriedTable } from './read_agent_table.ts'
import { readsPath } from './remote_part.ts'
import { rowLines } from './row_lines.ts'
import { isBearer, isSigned, signatureHeader } from './signed_request.ts'

export interface WebServerOptions {
  readonly app: App
  readonly settings: Settings
  readonly clock: Clock
  readonly queried: readonly QueriedTable[]
  /** Over all partitions, wherever they are; undefined: unknown. */
  readonly reader: (table: string) => TableReader | undefined
  /** A partition that is open here: as its owner, or with `stale` as a copy too. */
  readonly part: (table: string, partition: number, stale: boolean) => TablePart | undefined
  /** Prometheus' text; undefined where metrics are off. */
  readonly metrics?: (() => string) | undefined
}

/** What reads of windows ask for beside rows: see table/meta.ts. */
const retainedKey = Buffer.from(`\0\0retained/${PORTABLE_TABLE}`)
/** Whether rows were left out because of `limit`. */
const moreHeader = 'x-euphorion-more'
const BODY_BYTES_MAX = 1024 * 1024
/** Questions that are being answered; more are told to come again. */
const READS_MAX = 256
/** What is being answered is waited for so long. */
const DRAIN_MS_MAX = 5000
const loopback: readonly string[] = ['127.0.0.1', 'localhost', '::1']

const statusOf: Partial<Record<string, 400 | 401 | 404 | 409 | 503>> = {
  USAGE: 400,
  RECORD_INVALID: 400,
  ACCESS_DENIED: 401,
  TABLE_UNKNOWN: 404,
  TABLE_MOVING: 409,
  QUERY_UNAVAILABLE: 503,
}

export class WebServer {
  readonly #options: WebServerOptions
  readonly #app = new Hono()
  #server: Server | undefined
  #reads = 0
  #isDraining = false
  /** Requests that are being answered. */
  #open = 0
  #drained: (() => void) | undefined
  /** host:port for other workers; '' before start(). */
  address = ''

  constructor(options: WebServerOptions) {
    this.#options = options
    const app = this.#app
    const limit = bodyLimit({ maxSize: BODY_BYTES_MAX, onError: tooLarge })
    app.onError((error, context) => refuse(context, error))
    app.get('/health/live', (context) =>
      this.#healthy(context, ({ status }) => status !== 'failed'),
    )
    app.get('/health/ready', (context) => this.#healthy(context, ({ ready }) => ready))
    const { app: program, metrics } = options
    const isFree = (path: string) => program.served.pages.every((page) => page.path !== path)
    if (metrics !== undefined && isFree('/metrics'))
      app.get('/metrics', (context) => this.#metrics(context, metrics))
    app.use((context, next) => this.#count(context, next))
    app.post(readsPath, limit, (context) => this.#read(context))
    app.get('/tables', (context) => this.#tables(context))
    app.get('/tables/:table', (context) => this.#rows(context))
    if (isFree('/')) app.get('/', (context) => this.#healthy(context, () => true))
    app.all('*', ({ req, env }) => program.fetch(req.raw, env as object))
  }

  /** Rejects with QUERY_UNAVAILABLE where the port is taken. */
  async start(): Promise<void> {
    const { webHost, webPort, webAddress, querySecret } = this.#options.settings
    const isOpen = querySecret === undefined && !loopback.includes(webHost)
    // pages are the program's own business
    if (isOpen && this.#options.queried.length > 0) {
      const message = `webHost ${webHost} lets other machines in: set querySecret, the same for all`
      throw new EuphorionError('SETTING_INVALID', message)
    }
    const server = serve({ fetch: this.#app.fetch, hostname: webHost, port: webPort }) as Server
    this.#server = server
    try {
      if (!server.listening) await once(server, 'listening')
    } catch (cause) {
      const message = `HTTP cannot be served on ${webHost}:${webPort}`
      throw new EuphorionError('QUERY_UNAVAILABLE', message, { cause })
    }
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : webPort
    const isAny = webHost === '0.0.0.0' || webHost === '::'
    this.address = webAddress ?? `${isAny ? hostname() : webHost}:${port}`
  }

  /** Answers nothing more but how the worker is; resolves when what is being answered is. */
  async drain(): Promise<void> {
    this.#isDraining = true
    if (this.#open === 0) return
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve
    })
    await within(this.#options.clock, DRAIN_MS_MAX, drained)
  }

  async #count(context: Context, next: Next): Promise<Response | undefined> {
    if (this.#isDraining) {
      context.header('connection', 'close')
      const message = 'this worker is stopping'
      return context.json({ code: 'TABLE_MOVING', message, error: message }, 503)
    }
    const { clock, app } = this.#options
    const beganMs = clock.monotonic()
    this.#open++
    try {
      await next()
      return undefined
    } finally {
      if (--this.#open === 0) this.#drained?.()
      const { method, path } = context.req
      const ms = clock.monotonic() - beganMs
      app.sensors.tell('onRequest', { method, path, status: context.res.status, ms })
    }
  }

  #healthy(context: Context, isWell: (health: Health) => boolean): Response {
    const health = this.#options.app.health()
    return context.json(health, isWell(health) ? 200 : 503)
  }

  #metrics(context: Context, text: () => string): Response {
    this.#checkPerson(context)
    return context.body(text(), 200, { 'content-type': expositionType })
  }

  async close(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  async #read(context: Context): Promise<Response> {
    const { settings, clock } = this.#options
    const body = await context.req.text()
    const signature = context.req.header(signatureHeader)
    const { querySecret: secret } = settings
    if (secret === undefined) checkHost(context)
    else if (!isSigned(signature, secret, readsPath, body, clock.now()))
      throw new EuphorionError('ACCESS_DENIED', 'the query is not signed with this querySecret')
    if (this.#reads >= READS_MAX)
      throw new EuphorionError('QUERY_UNAVAILABLE', 'too many queries at once')
    this.#reads++
    try {
      return binary(await this.#answer(readRequest(body)))
    } finally {
      this.#reads--
    }
  }

  async #answer({ table, partition, stale, keys, scan }: PartRead): Promise<Uint8Array> {
    const part = this.#options.part(table, partition, stale)
    if (part === undefined) {
      const message = 'this worker does not have the partition (any more)'
      throw new EuphorionError('TABLE_MOVING', message, { place: { table, partition } })
    }
    const local = (key: string) => localKey(Buffer.from(key, 'base64'), part.number)
    if (keys !== undefined) return packValues(await part.store.getMany(keys.map(local)))
    const { gte, lt, reverse = false, limit = READ_ROWS_MAX } = scan ?? {}
    const entries = part.store.scan({
      ...(gte !== undefined && { gte: local(gte) }),
      ...(lt !== undefined && { lt: local(lt) }),
      reverse,
      limit: Math.min(limit, READ_ROWS_MAX),
    })
    const chunks: Uint8Array[] = []
    for await (const rows of packEntries(entries)) chunks.push(rows)
    const rows = Buffer.concat(chunks)
    makePortable(rows)
    return rows
  }

  #tables(context: Context): Response {
    this.#checkPerson(context)
    const tables = this.#options.queried.map(({ plan, topic }) => ({ name: plan.name, topic }))
    return context.json({ tables })
  }

  /** `?key=…`, `?key=…&at=time`, `?from=time&to=time&limit=n`: a row a line, as JSON. */
  async #rows(context: Context): Promise<Response> {
    this.#checkPerson(context)
    const { table = '', ...query } = { ...context.req.param(), ...context.req.query() }
    const definition = this.#options.queried.find(({ plan }) => plan.name === table)
    const reader = this.#options.reader(table)
    if (definition === undefined || reader === undefined)
      throw new EuphorionError('TABLE_UNKNOWN', `there is no table ${table}`, { place: { table } })
    const from = time('from', query.from)
    const to = time('to', query.to)
    const limit = number('limit', query.limit) ?? READ_ROWS_MAX
    const key = query.key && parseKey(definition.plan, definition.keys, query.key)
    const at = time('at', query.at)
    const rows =
      key !== undefined && at !== undefined
        ? await reader.windows(key, { at })
        : reader.range({ from, to, ...(key !== undefined && { key }) })
    const lines: string[] = []
    let isMore = false
    for await (const line of rowLines(iterate(rows), 'object')) {
      isMore = lines.length >= limit
      if (isMore) break
      lines.push(`${line}\n`)
    }
    const headers = { 'content-type': 'application/x-ndjson', [moreHeader]: String(isMore) }
    return context.body(lines.join(''), 200, headers)
  }

  #checkPerson(context: Context): void {
    const { querySecret: secret } = this.#options.settings
    if (secret === undefined) checkHost(context)
    else if (!isBearer(context.req.header('authorization'), secret))
      throw new EuphorionError('ACCESS_DENIED', 'send the querySecret as a bearer token')
  }
}

async function* iterate<T>(rows: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void> {
  yield* rows
}

/** Without a secret only this machine asks: not a page whose name was made to point here. */
function checkHost(context: Context): void {
  const { hostname: asked } = new URL(context.req.url)
  if (loopback.includes(asked.replace(/^\[|\]$/g, ''))) return
  throw new EuphorionError('ACCESS_DENIED', `set querySecret to be asked as ${asked}`)
}

/** ISO text, or ms. */
function time(name: string, text: string | undefined): number | undefined {
  const ms = text === undefined || /^-?\d*$/.test(text) ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? number(name, text) : ms
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text !== '' && Number.isSafeInteger(value)) return value
  throw new EuphorionError('USAGE', `${name} is no integer: '${text}'`)
}

function readRequest(body: string): PartRead {
  const invalid = () => new EuphorionError('USAGE', 'this is no query of a worker')
  let read: Partial<PartRead>
  try {
    read = JSON.parse(body) as Partial<PartRead>
  } catch {
    throw invalid()
  }
  const { table, partition, keys, scan } = read
  const isPlace = typeof table === 'string' && Number.isInteger(partition)
  const areKeys = Array.isArray(keys) && keys.length <= READ_KEYS_MAX && keys.every(isKey)
  const isScan = typeof scan === 'object' && scan !== null && isBound(scan.gte) && isBound(scan.lt)
  if (!isPlace || !(areKeys || isScan)) throw invalid()
  return { ...read, table, partition: partition!, stale: read.stale === true }
}

/** Of the table, or the bound behind it, or what is noted of it. */
function isKey(key: unknown): boolean {
  if (typeof key !== 'string') return false
  const bytes = Buffer.from(key, 'base64')
  if (bytes.length < KEY_TABLE_BYTES) return false
  const table = bytes.readUInt16BE(0)
  if (table === 0) return bytes.equals(retainedKey)
  return table === PORTABLE_TABLE || (table === PORTABLE_TABLE + 1 && bytes.length === 2)
}

function isBound(key: unknown): boolean {
  return key === undefined || isKey(key)
}

function binary(bytes: Uint8Array): Response {
  return new Response(new Uint8Array(bytes), {
    headers: { 'content-type': 'application/octet-stream' },
  })
}

function tooLarge(context: Context): Response {
  return context.json({ code: 'USAGE', message: `more than ${BODY_BYTES_MAX} bytes` }, 413)
}

function refuse(context: Context, error: unknown): Response {
  if (!(error instanceof EuphorionError))
    return context.json({ code: 'STORE_FAILED', message: String(error) }, 500)
  const { code, message } = error
  return context.json({ code, message }, statusOf[code] ?? 500)
}
