// What a program, or a monitor, can measure of a running app: app.sensors.add({ onCut, … }). Told
// by the engine, the web server and App; what nobody asks for is not measured.
import type { TopicPartition } from '../log/log.ts'

/** A batch has been fetched, before it is worked on. */
export interface BatchSensed extends TopicPartition {
  readonly records: number
  readonly bytes: number
  /** Of the first record behind it. */
  readonly nextOffset: number
}

/** A cut has ended. */
export interface CutSensed {
  readonly ms: number
  readonly partitions: number
  /** Why nothing of it counts; undefined: it does. */
  readonly error: unknown
}

/** What the program sent is stored, or was refused. */
export interface SendSensed {
  readonly topic: string
  readonly records: number
  readonly ms: number
  readonly error: unknown
}

/** A request of the web server has been answered. */
export interface RequestSensed {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly ms: number
}

/** Called where it happens, so quickly please: nothing waits for promises. */
export interface Sensor {
  onBatch?(batch: BatchSensed): void
  onCut?(cut: CutSensed): void
  onSend?(send: SendSensed): void
  onRequest?(request: RequestSensed): void
  onAssigned?(partitions: readonly TopicPartition[]): void
  onRevoked?(partitions: readonly TopicPartition[], lost: boolean): void
  /** All that were assigned are open, and their tables restored. */
  onRebalanced?(): void
}

type SensorName = keyof Sensor

export class Sensors {
  readonly #sensors = new Set<Sensor>()
  readonly #wanted = new Map<SensorName, number>()
  readonly #onError: (error: unknown) => void

  /** Hears what a sensor throws. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** The returned function takes it away. onBatch is heeded where it is there before start(). */
  add(sensor: Sensor): () => void {
    this.#sensors.add(sensor)
    this.#count(sensor, 1)
    return () => {
      if (this.#sensors.delete(sensor)) this.#count(sensor, -1)
    }
  }

  /** Somebody asks for it. */
  has(name: SensorName): boolean {
    return (this.#wanted.get(name) ?? 0) > 0
  }

  tell<N extends SensorName>(name: N, ...facts: Parameters<Required<Sensor>[N]>): void {
    if (!this.has(name)) return
    for (const sensor of this.#sensors) {
      try {
        const call = sensor[name] as ((...facts: unknown[]) => void) | undefined
        call?.apply(sensor, facts)
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  #count(sensor: Sensor, change: number): void {
    const names: readonly SensorName[] = sensorNames.filter((name) => sensor[name] !== undefined)
    for (const name of names) this.#wanted.set(name, (this.#wanted.get(name) ?? 0) + change)
  }
}

/** Also of a class, whose methods are no properties of its own. */
const sensorNames = [
  'onBatch',
  'onCut',
  'onSend',
  'onRequest',
  'onAssigned',
  'onRevoked',
  'onRebalanced',
] as const satisfies readonly SensorName[]
