// One direction of a proxied connection: takes bytes, holds them back as long as a fault says, and
// passes them on. Called by proxy.ts.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { FrameFault } from './proxy.ts'
import type { FramePiece, FrameScanner } from './proxy_frames.ts'

export interface ProxyPipeOptions {
  readonly from: Socket
  readonly to: Socket
  readonly delayMs?: number
  readonly bytesPerSecond?: number
  readonly scanner: FrameScanner
  /** For the frame whose first bytes are given. */
  readonly fault: (head: Buffer, bytes: number, index: number) => FrameFault | undefined
  readonly isSilent: () => boolean
  readonly passed: (bytes: number) => void
  readonly cut: () => void
  readonly stall: () => void
}

/** Held back at most; more is left to the sender's socket. */
const heldBytesMax = 4 * 1024 * 1024
const throttleStepMs = 20

export class ProxyPipe {
  readonly #options: ProxyPipeOptions
  #held = 0
  #frames = 0
  /** Of the present frame. */
  #fault: FrameFault = {}
  #passedOfFrame = 0
  /** When what comes next may go, and everything that is on its way. */
  #dueAt = 0
  #tail: Promise<void> = Promise.resolve()

  constructor(options: ProxyPipeOptions) {
    this.#options = options
    options.from.on('data', (chunk: Buffer) => {
      for (const piece of options.scanner.scan(chunk)) this.#take(piece)
    })
  }

  /** The sender has ended: passed on behind everything else. */
  async end(): Promise<void> {
    await this.#tail
    const { to, isSilent } = this.#options
    if (!isSilent() && !to.destroyed) to.end()
  }

  #take({ bytes, frameBytes }: FramePiece): void {
    const { fault, delayMs = 0, from } = this.#options
    if (frameBytes !== undefined) {
      this.#fault = fault(bytes, frameBytes, this.#frames++) ?? {}
      this.#passedOfFrame = 0
    }
    const { cutAfter, stallAfter, delayMs: frameDelayMs = 0 } = this.#fault
    const last = cutAfter ?? stallAfter ?? Number.POSITIVE_INFINITY
    const part = bytes.subarray(0, Math.max(0, last - this.#passedOfFrame))
    this.#passedOfFrame += part.length
    const isLast = this.#passedOfFrame >= last
    this.#dueAt = Math.max(this.#dueAt, performance.now() + delayMs + frameDelayMs)
    this.#held += part.length
    if (this.#held > heldBytesMax) from.pause()
    const dueAt = this.#dueAt
    this.#tail = this.#tail.then(() => this.#pass(part, dueAt))
    if (!isLast) return
    this.#tail = this.#tail.then(() => this.#finish(cutAfter !== undefined))
  }

  async #pass(bytes: Buffer, dueAt: number): Promise<void> {
    const { to, from, isSilent, passed, bytesPerSecond } = this.#options
    const ms = dueAt - performance.now()
    if (ms > 1) await wait(ms)
    const step = bytesPerSecond
      ? Math.max(1, Math.floor((bytesPerSecond * throttleStepMs) / 1000))
      : bytes.length
    for (let at = 0; at < bytes.length && !isSilent() && !to.destroyed; at += step) {
      const part = bytes.subarray(at, at + step)
      passed(part.length)
      if (bytesPerSecond) await wait((1000 * part.length) / bytesPerSecond)
      if (!to.write(part)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(ignore)
    }
    this.#held -= bytes.length
    if (this.#held <= heldBytesMax) from.resume()
  }

  async #finish(isCut: boolean): Promise<void> {
    const { to, cut, stall } = this.#options
    if (!isCut) {
      stall()
      return
    }
    // What was written before is to arrive: the end is sent behind it.
    if (!to.destroyed && !to.writableEnded) {
      to.end()
      if (to.writableLength > 0) await Promise.race([once(to, 'finish'), once(to, 'close')])
    }
    cut()
  }
}

const ignore = (): void => undefined
