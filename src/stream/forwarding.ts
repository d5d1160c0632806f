// A stream that goes through another topic. The function runs on the partitions of both: on those
// of the first its derived stream gives nothing and has the records forwarded, on those of the
// second it gives them. So neither needs to be where the other is, and what fails, is retried or
// acknowledged is the record that the loop has. Called by AgentPartition.
//
//   source p:  events ─▶ key ─▶ the topic, by the new key      (acknowledged once it is stored)
//   topic q:   run(a stream that gives nothing) ─▶ groupBy() ─▶ the events of q
import assert from 'node:assert'
import { EuphorionError } from '../errors.ts'
import { type BadRecord, badRecordError } from '../ingest/dead_letter.ts'
import type { LogRecord } from '../log/log.ts'
import type { Codec } from '../record/codec.ts'
import type { AgentDefinition, AgentServices } from './agent_definition.ts'
import type { Event } from './events.ts'
import { type RawRecord, rawOf } from './raw_record.ts'
import type { Derivation } from './repartition.ts'
import { Stream } from './stream.ts'
import type { StreamSource } from './stream_source.ts'

/** Where records are forwarded to. */
export interface ForwardTarget {
  /** Resolves once the record is stored, in the partition of its key. */
  store(record: LogRecord): Promise<unknown>
}

/**
 * Has the derived agent read its topic on this worker, and makes the topic where it is the app's
 * own. The same one is asked for by every partition, and after each restart of the function.
 */
export interface Deriving {
  /** Of a topic of the app's own. Throws APP_INVALID. */
  topicOf(agent: string, topic: string, name: string): string
  open(request: DerivedTopic): Promise<ForwardTarget>
}

export interface DerivedTopic {
  /** What is forwarded there. */
  readonly from: string
  readonly derivation: Derivation
  readonly derived: AnyDefinition
}

type AnyDefinition = AgentDefinition<unknown, unknown, unknown>

/** The partition whose events are forwarded. */
export interface ForwardingDesk<K, V> {
  readonly definition: Omit<AgentDefinition<K, V, never>, 'run' | 'sinks' | 'reply'>
  readonly services: Pick<AgentServices, 'deriving'>
  readonly partition: number
  /** Waits for room; the event is acknowledged once what is sent is stored. */
  readonly send: (send: () => Promise<unknown>, offset: number) => Promise<void>
  /** The event in hand is left out, by the policy. */
  readonly refuse: (bad: BadRecord) => void
}

interface Forwarding {
  readonly desk: ForwardingDesk<unknown, unknown>
  readonly source: StreamSource<unknown, unknown>
  readonly derivation: Derivation
}

type AnyStream = Stream<unknown, unknown>

/** Throws APP_INVALID where functions share the partition: their order would be lost for good. */
export function forwarded<K, V>(
  of: ForwardingDesk<K, V>,
  from: StreamSource<K, V>,
  derivation: Derivation,
): AnyStream {
  const desk = of as unknown as Forwarding['desk']
  const source = from as StreamSource<unknown, unknown>
  const { partition } = desk
  const definition = desk.definition as unknown as AnyDefinition
  const { deriving } = desk.services
  assert(deriving !== undefined, 'nobody reads what is forwarded')
  if (definition.concurrency > 1) {
    const message = `agent ${definition.name}: groupBy and through need a concurrency of 1`
    throw new EuphorionError('APP_INVALID', message, { place: { topic: definition.topic } })
  }
  const { name } = definition
  const topic = derivation.topic ?? deriving.topicOf(name, definition.topic, derivation.name)
  const derived = derivedAgent(definition, topic, derivation)
  const target = deriving.open({ from: definition.topic, derivation, derived })
  // who asks for the first event hears of it
  target.catch(() => undefined)
  let forwarding: Promise<void> | undefined
  const over = () => (forwarding ??= forwardAll({ desk, source, derivation }, target))
  return silentStream({ source, topic, partition, keyedBy: derivation.keyedBy }, derivation, over)
}

/** The same function, where its derived stream is to give the events. */
function derivedAgent(
  definition: AnyDefinition,
  topic: string,
  derivation: Derivation,
): AnyDefinition {
  const { value = definition.value, schema, keyedBy, key } = derivation
  return {
    ...definition,
    topic,
    key,
    value,
    schema: derivation.value === undefined ? definition.schema : schema,
    keyedBy,
    onBadRecord: derivation.onBadRecord ?? definition.onBadRecord,
    run: (inner) => {
      const { source, partition } = inner
      const place = { source, topic: definition.topic, partition, keyedBy: definition.keyedBy }
      const derive = (wanted: Derivation): AnyStream => {
        if (wanted.name === derivation.name && wanted.topic === derivation.topic) return inner
        const message = `agent ${definition.name} derives a stream of ${wanted.name} here, and of`
        const other = `${derivation.name} on other partitions: it has to be the same everywhere`
        throw new EuphorionError('APP_INVALID', `${message} ${other}`, { place: { topic } })
      }
      const schemaOf = { schema: definition.schema }
      return definition.run(silentStream(place, schemaOf, () => endOf(source.ending), derive))
    },
  }
}

async function forwardAll(forwarding: Forwarding, opening: Promise<ForwardTarget>): Promise<void> {
  const { desk, source, derivation } = forwarding
  const { definition } = desk
  source.keepRaw()
  const target = await Promise.race([opening, endOf(source.ending)])
  if (target === undefined) return
  for (;;) {
    const taken = await source.takeEvent()
    if (taken.done) return
    const event = taken.value
    const bytes = rawOf(event)
    const key = await newKey(derivation, event)
    if (key instanceof NoKey) {
      leaveOut(desk, event, bytes, key.reason)
      continue
    }
    const isKept = derivation.value === undefined && bytes !== undefined
    const codec = derivation.value ?? definition.value
    const value = isKept ? bytes.value : encoded(codec, event.value)
    const { timestamp, headers } = event
    await desk.send(() => target.store({ key, value, timestamp, headers }), event.offset)
  }
}

class NoKey {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** What has no key can be in no group. */
async function newKey(
  { keyOf, key: codec }: Derivation,
  event: Event<unknown, unknown>,
): Promise<Uint8Array | null | NoKey> {
  if (keyOf === undefined) return encoded(codec, event.key)
  try {
    const key = await keyOf(event)
    if (key === undefined || key === null) return new NoKey('null-key')
    return codec.encode(key) ?? new NoKey('null-key')
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error))
    return new NoKey(`key: ${message}`)
  }
}

function encoded(codec: Codec<unknown>, value: unknown): Uint8Array | null {
  return value === null || value === undefined ? null : codec.encode(value)
}

/** Throws RECORD_BAD by the policy 'stop'. */
function leaveOut(
  { definition, partition, refuse }: ForwardingDesk<unknown, unknown>,
  { offset, timestamp, headers, ...event }: Event<unknown, unknown>,
  bytes: RawRecord | undefined,
  reason: string,
): void {
  const { topic } = definition
  const key = bytes === undefined ? encoded(definition.key, event.key) : bytes.key
  const value = bytes === undefined ? encoded(definition.value, event.value) : bytes.value
  const bad = { topic, partition, offset, timestamp, key, value, headers, reason }
  if (definition.onBadRecord === 'stop') throw badRecordError(bad)
  refuse(bad)
}

interface SilentPlace {
  readonly source: StreamSource<unknown, unknown>
  readonly topic: string
  readonly partition: number
  readonly keyedBy: string | undefined
}

/** Gives nothing, and ends with `over`. What is derived of it is as silent, unless given. */
function silentStream(
  place: SilentPlace,
  { schema }: Pick<Derivation, 'schema'>,
  over: () => Promise<void>,
  derive?: (derivation: Derivation) => AnyStream,
): AnyStream {
  const { source, topic, partition, keyedBy } = place
  const take = async () => {
    await over()
    return { done: true, value: undefined } as const
  }
  const nothing = (): void => undefined
  const silent: StreamSource<unknown, unknown> = {
    clock: source.clock,
    shape: source.shape,
    ending: source.ending,
    keyedBy,
    schema,
    takeValue: take,
    takeEvent: take,
    takeBatch: take,
    takeAhead: take,
    takeKept: take,
    takeByHand: take,
    paused: nothing as () => undefined,
    hand: nothing,
    release: nothing,
    giveBack: nothing,
    handKept: () => false,
    releaseKept: nothing,
    withholdKept: nothing,
    giveBackKept: nothing,
    keepRaw: nothing,
    interrupt: (failure) => source.interrupt(failure),
    ack: () => false,
    ackHanded: () => false,
    derive:
      derive ??
      ((further) => {
        const { name, keyedBy: field, schema: of = schema } = further
        const next = { ...place, topic: further.topic ?? name, keyedBy: field }
        return silentStream(next, { schema: of }, over)
      }),
  }
  return new Stream(silent, topic, partition)
}

function endOf(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
