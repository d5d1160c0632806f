// The connections to the brokers of a cluster: one for each broker and purpose, opened when it is
// asked for and again after it ended, with growing pauses. Owned by Cluster.

import type { Clock, Random } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { Connection } from '../../wire/connection.ts'
import type { Address } from './addresses.ts'
import { type Backoff, pauseMs } from './backoff.ts'

/**
 * Requests that may wait long at the broker keep others waiting behind them. Each reader has a
 * number of its own; a group keeps JoinGroup until all members have come.
 */
export type Purpose = 'control' | 'group' | 'produce' | `fetch ${number}`

export interface BrokerPoolOptions {
  readonly open: (address: Address) => Promise<Connection>
  /** Where a broker is now. */
  readonly addressOf: (nodeId: number) => Address | undefined
  readonly backoff: Backoff
  readonly clock: Clock
  readonly random: Random
}

/** One broker and purpose. */
interface Slot {
  readonly nodeId: number
  readonly purpose: Purpose
  connection: Connection | undefined
  opening: Promise<Connection> | undefined
  /** Failures in a row; a connection that ends soon after it was opened is one. */
  failures: number
  openedAtMs: number
  /** Not opened before, on the monotonic clock. */
  notBeforeMs: number
}

export class BrokerPool {
  readonly #options: BrokerPoolOptions
  readonly #slots = new Map<string, Slot>()
  readonly #wakers = new Set<() => void>()
  #closed = false

  constructor(options: BrokerPoolOptions) {
    this.#options = options
  }

  /**
   * Waits for the pause after a failure. Rejects with BROKER_UNREACHABLE, AUTHENTICATION_FAILED,
   * PROTOCOL_VIOLATED, and with LOG_FAILED where no such broker is known.
   */
  connection(nodeId: number, purpose: Purpose): Promise<Connection> {
    const slot = this.#slot(nodeId, purpose)
    if (slot.connection?.closed === false) return Promise.resolve(slot.connection)
    slot.opening ??= this.#open(slot).finally(() => {
      slot.opening = undefined
    })
    return slot.opening
  }

  /** Brokers with an open connection for this purpose, in the order of their opening. */
  connected(purpose: Purpose): Connection[] {
    return [...this.#slots.values()]
      .filter((slot) => slot.purpose === purpose && slot.connection?.closed === false)
      .map((slot) => slot.connection!)
  }

  /** Closes the connections of a reader, which asks for no more. */
  release(purpose: Purpose): void {
    for (const [key, slot] of this.#slots) {
      if (slot.purpose !== purpose) continue
      this.#slots.delete(key)
      slot.connection?.close()
      slot.opening?.then(
        (connection) => connection.close(),
        () => {},
      )
    }
  }

  /** Takes over a connection that was opened before its broker's number was known. */
  adopt(nodeId: number, purpose: Purpose, connection: Connection): void {
    const slot = this.#slot(nodeId, purpose)
    if (this.#closed || slot.opening !== undefined || slot.connection?.closed === false)
      connection.close()
    else this.#opened(slot, connection)
  }

  /** Waits; shorter only when the pool is closed. */
  pause(ms: number): Promise<void> {
    if (this.#closed || ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        cancel()
        this.#wakers.delete(wake)
        resolve()
      }
      const cancel = this.#options.clock.after(ms, wake)
      this.#wakers.add(wake)
    })
  }

  close(): void {
    this.#closed = true
    for (const { connection } of this.#slots.values()) connection?.close()
    for (const wake of this.#wakers) wake()
  }

  #slot(nodeId: number, purpose: Purpose): Slot {
    const key = `${nodeId} ${purpose}`
    const known = this.#slots.get(key)
    if (known !== undefined) return known
    const slot: Slot = {
      nodeId,
      purpose,
      connection: undefined,
      opening: undefined,
      failures: 0,
      openedAtMs: 0,
      notBeforeMs: 0,
    }
    this.#slots.set(key, slot)
    return slot
  }

  async #open(slot: Slot): Promise<Connection> {
    const { clock, addressOf, open } = this.#options
    await this.pause(slot.notBeforeMs - clock.monotonic())
    if (this.#closed) throw poolClosed()
    const address = addressOf(slot.nodeId)
    if (address === undefined)
      throw new EuphorionError('LOG_FAILED', `broker ${slot.nodeId} is not in the cluster now`)
    try {
      const connection = await open(address)
      if (this.#closed) {
        connection.close()
        throw poolClosed()
      }
      this.#opened(slot, connection)
      return connection
    } catch (error) {
      this.#failed(slot)
      throw error
    }
  }

  #opened(slot: Slot, connection: Connection): void {
    slot.connection = connection
    slot.openedAtMs = this.#options.clock.monotonic()
    connection.onClose(() => {
      const livedMs = this.#options.clock.monotonic() - slot.openedAtMs
      if (livedMs > this.#options.backoff.mostMs) slot.failures = 0
      this.#failed(slot)
    })
  }

  #failed(slot: Slot): void {
    const { clock, backoff, random } = this.#options
    slot.failures++
    slot.notBeforeMs = clock.monotonic() + pauseMs(backoff, slot.failures, random)
  }
}

export function poolClosed(): EuphorionError {
  return new EuphorionError('LOG_FAILED', 'the log is closed')
}
