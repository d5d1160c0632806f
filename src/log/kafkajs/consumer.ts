// The pull side of a kafkajs consumer: fetch hands out what kafkajs has pushed into the lanes, one
// packed batch a call, partitions in turn. Made by KafkajsLog.
import { strict as assert } from 'node:assert'
import { EuphorionError } from '../../errors.ts'
import type { ConsumerOptions, FetchResult, LogConsumer, StartPosition } from '../log.ts'
import type { Lane } from './lane.ts'
import { Membership } from './membership.ts'
import type { MembershipPorts } from './membership_ports.ts'
import { Packer } from './pack.ts'

export class KafkajsConsumer implements LogConsumer {
  readonly #membership: Membership
  readonly #packer = new Packer()
  readonly #onClose: (consumer: KafkajsConsumer) => void
  /** To be thrown, one a fetch. At most one a partition of deleted topics, and one a failed try. */
  readonly #failures: Error[] = []
  #fatal: Error | undefined
  #fetching = false
  #wake = () => {}
  /** Index of the lane whose turn is next. */
  #turn = 0
  #closing: Promise<void> | undefined

  constructor(
    options: ConsumerOptions,
    ports: Omit<MembershipPorts, 'changed' | 'failed'>,
    onClose: (consumer: KafkajsConsumer) => void,
  ) {
    this.#onClose = onClose
    this.#membership = new Membership(options, {
      ...ports,
      changed: () => this.#wake(),
      failed: (error, fatal) => {
        if (fatal) this.#fatal ??= error
        else if (this.#failures.length < failuresMax) this.#failures.push(error)
        this.#wake()
      },
    })
  }

  start(): Promise<void> {
    return this.#membership.start()
  }

  async fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult> {
    assert(!this.#fetching, 'one fetch at a time')
    this.#fetching = true
    const wake = () => this.#wake()
    signal?.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        if (this.#closing || signal?.aborted) return closed
        const failure = this.#failures.shift() ?? this.#fatal
        if (failure) throw failure
        const result = this.#give(target, wants)
        if (result) return result
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      this.#fetching = false
      this.#wake = () => {}
      signal?.removeEventListener('abort', wake)
    }
  }

  /** The next batch of the wanted lane that has waited longest. */
  #give(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
  ): FetchResult | undefined {
    const { lanes } = this.#membership
    for (let step = 0; step < lanes.length; step++) {
      const index = (this.#turn + step) % lanes.length
      const lane = lanes[index]
      if (!wants(lane.topic, lane.partition)) continue
      if (lane.messages === undefined || !lane.open) continue
      this.#turn = index + 1
      return this.#pack(lane, lane.messages, target)
    }
    return undefined
  }

  #pack(lane: Lane, messages: NonNullable<Lane['messages']>, target: Uint8Array): FetchResult {
    const { topic, partition, highWatermark } = lane
    const bytes = this.#packer.pack(messages, lane.next, lane.lastOffset, target)
    if (bytes === 0) {
      const neededBytes = Packer.bytesFor(messages[lane.next])
      return { kind: 'too-small', topic, partition, neededBytes }
    }
    lane.next = this.#packer.next
    if (lane.next === messages.length) this.#membership.emptied(lane)
    return { kind: 'batches', topic, partition, bytes, highWatermark }
  }

  wake(): void {
    this.#wake()
  }

  seek(topic: string, partition: number, offset: number): void {
    const lane = this.#membership.lanes.find(
      (one) => one.topic === topic && one.partition === partition,
    )
    if (lane) this.#membership.seek(lane, offset)
  }

  commit(offsets: readonly StartPosition[]): Promise<void> {
    return this.#membership.commit(offsets)
  }

  subscribe(): Promise<void> {
    const message = 'kafkajs cannot change the topics of a consumer that reads'
    const advice = "use transport: 'kafka'"
    return Promise.reject(new EuphorionError('CAPABILITY_MISSING', `${message}: ${advice}`))
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = this.#membership.close().finally(() => this.#onClose(this))
      this.#wake()
    }
    return this.#closing
  }
}

const closed: FetchResult = { kind: 'closed' }
const failuresMax = 10_000
