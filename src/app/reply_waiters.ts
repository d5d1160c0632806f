// Who waits for replies, each by the id of its request, for a time. Nothing is left of a call that
// is over. Owned by AskClient.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { ReplyMessage } from '../stream/reply_message.ts'
import { type AskLimits, cancelledAsk } from '../stream/request.ts'
import { formatDuration, parseDuration } from '../units.ts'

/** What became of the requests of a process so far. */
export interface ReplyStatistics {
  /** Calls that wait now. */
  readonly waiting: number
  readonly answered: number
  /** The agent failed on it, or had no value. */
  readonly failed: number
  readonly timedOut: number
  readonly cancelled: number
  /** Replies to what nobody waits for: late ones, further values, those of others. */
  readonly unclaimed: number
}

export interface WaitersOptions {
  readonly clock: Clock
  readonly waitersMax: number
  readonly timeoutMs: number
  /** Begins every id. */
  readonly prefix: string
}

/** A call that waits. */
export interface Waiter {
  readonly correlationId: string
  readonly promise: Promise<ReplyMessage>
  readonly isOver: boolean
  /** It was not sent. */
  refuse(error: unknown): void
}

interface Waiting {
  readonly answer: (reply: ReplyMessage) => void
  readonly refuse: (error: unknown) => void
}

type Outcome = 'answered' | 'failed' | 'timedOut' | 'cancelled' | 'refused'

export class ReplyWaiters {
  readonly #options: WaitersOptions
  readonly #waiting = new Map<string, Waiting>()
  readonly #bySignal = new Map<AbortSignal, Set<() => void> & { readonly listener: () => void }>()
  readonly #counts = { answered: 0, failed: 0, timedOut: 0, cancelled: 0, refused: 0 }
  #unclaimed = 0
  #made = 0
  #roomers: (() => void)[] = []

  constructor(options: WaitersOptions) {
    this.#options = options
  }

  get statistics(): ReplyStatistics {
    const { answered, failed, timedOut, cancelled } = this.#counts
    const waiting = this.#waiting.size
    return { waiting, answered, failed, timedOut, cancelled, unclaimed: this.#unclaimed }
  }

  /** Throws ASK_QUEUE_FULL, ASK_CANCELLED. */
  add({ timeout, signal }: AskLimits): Waiter {
    const { clock, waitersMax, prefix, timeoutMs } = this.#options
    if (signal?.aborted) {
      this.#counts.cancelled++
      throw cancelledAsk(signal.reason)
    }
    if (this.#waiting.size >= waitersMax) {
      const message = `${this.#waiting.size} calls of ask wait for their replies`
      throw new EuphorionError('ASK_QUEUE_FULL', message)
    }
    const correlationId = `${prefix}-${(this.#made++).toString(36)}`
    let isOver = false
    let end = (_outcome: Outcome): void => undefined
    const promise = new Promise<ReplyMessage>((resolve, reject) => {
      const refuse = (outcome: Outcome, error: unknown): void => {
        if (isOver) return
        end(outcome)
        reject(error)
      }
      const forget = this.#onAbort(signal, () => {
        refuse('cancelled', cancelledAsk(signal?.reason))
      })
      const ms = timeout === undefined ? timeoutMs : parseDuration(timeout)!
      const cancel = clock.after(ms, () => refuse('timedOut', noReply(ms)))
      end = (outcome) => {
        isOver = true
        cancel()
        forget()
        this.#remove(correlationId, outcome)
      }
      this.#waiting.set(correlationId, {
        answer: (reply) => {
          end(reply.error === undefined ? 'answered' : 'failed')
          resolve(reply)
        },
        refuse: (error) => refuse('refused', error),
      })
    })
    const refuse = (error: unknown): void => this.#waiting.get(correlationId)?.refuse(error)
    return {
      correlationId,
      promise,
      get isOver() {
        return isOver
      },
      refuse,
    }
  }

  answer(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.correlationId)
    if (waiting === undefined) this.#unclaimed++
    else waiting.answer(reply)
  }

  /** Nobody is answered any more. */
  refuseAll(error: unknown): void {
    for (const { refuse } of [...this.#waiting.values()]) refuse(error)
  }

  /** Resolves when one more may wait. */
  async room(): Promise<void> {
    while (this.#waiting.size >= this.#options.waitersMax)
      await new Promise<void>((resolve) => this.#roomers.push(resolve))
  }

  /** One listener for all calls of a signal: Node warns of eleven. */
  #onAbort(signal: AbortSignal | undefined, abort: () => void): () => void {
    if (signal === undefined) return () => undefined
    let calls = this.#bySignal.get(signal)
    if (calls === undefined) {
      const made = new Set<() => void>()
      const listener = (): void => {
        for (const call of made) call()
      }
      calls = Object.assign(made, { listener })
      this.#bySignal.set(signal, calls)
      signal.addEventListener('abort', listener)
    }
    const { listener } = calls
    calls.add(abort)
    return () => {
      if (!calls.delete(abort) || calls.size > 0) return
      signal.removeEventListener('abort', listener)
      this.#bySignal.delete(signal)
    }
  }

  #remove(correlationId: string, outcome: Outcome): void {
    this.#counts[outcome]++
    this.#waiting.delete(correlationId)
    if (this.#roomers.length === 0) return
    for (const resolve of this.#roomers.splice(0)) resolve()
  }
}

function noReply(ms: number): EuphorionError {
  return new EuphorionError('ASK_TIMEOUT', `no reply within ${formatDuration(ms)}`)
}
