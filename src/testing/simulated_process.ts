// A process of the simulation: what it is given to do (timers, answers) reaches it while it runs,
// waits while it is paused, and never comes once it is dead. Made by the simulation, and by tests.
import type { Clock } from '../clock.ts'

export class SimulatedProcess {
  readonly name: string
  /** Timers of this process. */
  readonly clock: Clock
  readonly #world: Clock
  #state: 'running' | 'paused' | 'dead' = 'running'
  #held: (() => void)[] = []
  readonly #onDeath: (() => void)[] = []

  constructor(name: string, world: Clock) {
    this.name = name
    this.#world = world
    this.clock = {
      now: () => world.now(),
      monotonic: () => world.monotonic(),
      after: (ms, call) => this.#after(ms, call),
    }
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  get isPaused(): boolean {
    return this.#state === 'paused'
  }

  /** Calls now, when the process goes on, or never. */
  deliver(call: () => void): void {
    if (this.#state === 'running') call()
    else if (this.#state === 'paused') this.#held.push(call)
  }

  /** As SIGSTOP. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused'
  }

  /** As SIGCONT: what came meanwhile comes now, in its order. */
  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    const held = this.#held
    this.#held = []
    for (const call of held) this.#world.after(0, () => this.deliver(call))
  }

  /** As SIGKILL. */
  kill(): void {
    if (this.#state === 'dead') return
    this.#state = 'dead'
    this.#held = []
    for (const call of this.#onDeath) call()
  }

  onDeath(call: () => void): void {
    this.#onDeath.push(call)
  }

  #after(ms: number, call: () => void): () => void {
    let isCancelled = false
    const cancel = this.#world.after(ms, () =>
      this.deliver(() => {
        if (!isCancelled) call()
      }),
    )
    return () => {
      isCancelled = true
      cancel()
    }
  }
}
