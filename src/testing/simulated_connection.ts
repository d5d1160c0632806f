// A connection from a process of the simulation to its cluster: requests arrive in their order and
// late, answers come back in theirs and later, and both can be lost. Used by everything in the
// simulated log that asks the cluster.
import type { Clock, Random } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { SimulatedProcess } from './simulated_process.ts'

/** What the network does; read at each request. */
export interface NetworkWeather {
  /** ms of one way, at least and usually at most. [0, 0]: nothing takes time, or needs a timer. */
  latencyMs: readonly [least: number, most: number]
  /** Part of the requests whose way takes ten times as long. */
  slowRate: number
  /** Part of the requests that end with the connection: half of them have arrived before. */
  lossRate: number
  /** Brokers are down. */
  isDown: boolean
}

export interface NetworkPorts {
  readonly clock: Clock
  readonly random: Random
  readonly weather: NetworkWeather
  readonly trace: (text: string) => void
  /** Hears of requests that the broker is about to do, and has done. */
  readonly watch: (process: SimulatedProcess, name: string, when: 'before' | 'behind') => void
}

interface Pending {
  readonly fail: (why: string) => void
}

/** Requests that are lost with their connection, and arrive all the same, arrive within this. */
const STRAY_MS = 3000

export class SimulatedConnection {
  readonly #ports: NetworkPorts
  readonly #process: SimulatedProcess
  readonly #pending = new Set<Pending>()
  /** The last request arrives, and the last answer comes, at these times. */
  #arrivesMs = 0
  #answersMs = 0

  constructor(ports: NetworkPorts, process: SimulatedProcess) {
    this.#ports = ports
    this.#process = process
  }

  /**
   * Has the cluster do `apply`, and resolves with what that gives. Rejects with what it throws, and
   * with BROKER_UNREACHABLE when the connection ends or `timeoutMs` have passed: then nobody knows
   * whether it was done, or will be.
   */
  request<T>(name: string, apply: () => T | Promise<T>, timeoutMs?: number): Promise<T> {
    const { random, weather } = this.#ports
    return new Promise<T>((resolve, reject) => {
      let isOver = false
      const settle = (call: () => void): void => {
        if (isOver) return
        isOver = true
        cancelTimeout?.()
        this.#pending.delete(pending)
        this.#process.deliver(call)
      }
      const pending: Pending = {
        fail: (why) => settle(() => reject(unreachable(`${name}: ${why}`))),
      }
      this.#pending.add(pending)
      const cancelTimeout =
        timeoutMs === undefined
          ? undefined
          : this.#process.clock.after(timeoutMs, () => pending.fail('no answer in time'))
      const fate = this.#isNear ? 1 : random()
      if (fate < weather.lossRate) {
        this.#lose(name, apply, fate < weather.lossRate / 2, pending)
        return
      }
      this.#there(() => {
        if (isOver && (this.#isNear || random() < 0.5)) return
        if (weather.isDown) this.#back(() => pending.fail('the broker is down'))
        else {
          this.#ports.watch(this.#process, name, 'before')
          this.#apply(apply, settle, resolve, reject)
          this.#ports.watch(this.#process, name, 'behind')
        }
      })
    })
  }

  /** The weather lets nothing take time. */
  get #isNear(): boolean {
    return this.#ports.weather.latencyMs[1] === 0
  }

  /** The cluster gets it; what a process that is dead asks for so late, never. */
  #there(call: () => void): void {
    if (this.#isNear) {
      queueMicrotask(() => {
        if (!this.#process.isDead) call()
      })
      return
    }
    const { clock } = this.#ports
    this.#arrivesMs = Math.max(this.#arrivesMs, clock.monotonic() + this.#latencyMs())
    clock.after(this.#arrivesMs - clock.monotonic(), call)
  }

  #apply<T>(
    apply: () => T | Promise<T>,
    settle: (call: () => void) => void,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const answer = (call: () => void): void => this.#back(() => settle(call))
    try {
      const result = apply()
      if (!(result instanceof Promise)) answer(() => resolve(result))
      else
        result.then(
          (value) => answer(() => resolve(value)),
          (error) => answer(() => reject(error)),
        )
    } catch (error) {
      answer(() => reject(error))
    }
  }

  /** The connection ends; the request arrives nevertheless, now or much later, or never. */
  #lose<T>(name: string, apply: () => T | Promise<T>, arrives: boolean, pending: Pending): void {
    const { clock, random, weather, trace } = this.#ports
    const where = arrives ? 'behind' : 'before'
    trace(`${this.#process.name}: the connection of ${name} is lost ${where} it`)
    const lateMs = random() < 0.5 ? this.#latencyMs() : random() * STRAY_MS
    if (arrives)
      clock.after(lateMs, () => {
        const unheard = () => undefined
        if (!weather.isDown) this.#apply(apply, unheard, unheard, unheard)
      })
    this.#back(() => pending.fail('the connection ended'))
  }

  #back(call: () => void): void {
    if (this.#isNear) {
      call()
      return
    }
    const { clock } = this.#ports
    this.#answersMs = Math.max(this.#answersMs, clock.monotonic() + this.#latencyMs())
    clock.after(this.#answersMs - clock.monotonic(), call)
  }

  #latencyMs(): number {
    const { random, weather } = this.#ports
    const [least, most] = weather.latencyMs
    const ms = least + random() * (most - least)
    return random() < weather.slowRate ? ms * 10 : ms
  }

  /** What is under way fails; some of it will have been done. */
  drop(why = 'the connection ended'): void {
    for (const pending of [...this.#pending]) pending.fail(why)
  }
}

function unreachable(message: string): EuphorionError {
  return new EuphorionError('BROKER_UNREACHABLE', message)
}
