// An agent as a test has it: gives it one event at a time, and sees what it makes of it. Made by
// TestDriver.
import type { RecordMetadata } from '../ingest/receipt.ts'
import type { Message } from '../stream/message.ts'
import type { Tapped } from './agent_taps.ts'

export interface DriverAgentPorts<K, V> {
  readonly tapped: Tapped
  readonly send: (message: Message<K, V>) => Promise<RecordMetadata>
  /** Resolves when all has happened that can; rejects with what has failed. */
  readonly settled: () => Promise<void>
}

/** What became of one event. */
export interface DriverResult<R> extends RecordMetadata {
  /** What the agent has yielded, in order. */
  readonly results: readonly R[]
}

export class DriverAgent<K, V, R> {
  readonly #ports: DriverAgentPorts<K, V>
  readonly #results = new Map<number, R | V>()

  /** Made by TestDriver.agent(). */
  constructor(ports: DriverAgentPorts<K, V>) {
    this.#ports = ports
  }

  /**
   * By the offset of each event of put(): the last value that the agent has yielded for it, or the
   * event's own where it has yielded none.
   */
  get results(): ReadonlyMap<number, R | V> {
    return this.#results
  }

  /**
   * Sends an event to the agent's topic, and resolves when everything has happened that can without
   * time passing. What the agent yields meanwhile is of this event. Rejects with HANDLER_FAILED
   * where the agent fails on it.
   */
  async put(value: V, message: Omit<Message<K, V>, 'value'> = {}): Promise<DriverResult<R>> {
    const { tapped, send, settled } = this.#ports
    await settled()
    const results: R[] = []
    tapped.yielded = (each) => results.push(each as R)
    try {
      const stored = await send({ ...message, value })
      await settled()
      this.#results.set(stored.offset, results.length > 0 ? results.at(-1)! : value)
      return { ...stored, results }
    } finally {
      tapped.yielded = undefined
    }
  }

  /** As put(), with this error thrown in the agent's loop in the place of the event. */
  async throw(
    error: unknown,
    value: V,
    message: Omit<Message<K, V>, 'value'> = {},
  ): Promise<DriverResult<R>> {
    const { tapped, settled } = this.#ports
    await settled()
    tapped.thrown = { error }
    try {
      return await this.put(value, message)
    } finally {
      tapped.thrown = undefined
    }
  }
}
