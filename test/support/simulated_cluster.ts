// A simulated cluster whose virtual time passes by itself, for tests that know nothing of it.
import { seededRandom } from '../../src/clock.ts'
import { SimulatedCluster } from '../../src/testing/simulated_cluster.ts'
import { SimulatedLog, type SimulatedLogOptions } from '../../src/testing/simulated_log.ts'
import { SimulatedProcess } from '../../src/testing/simulated_process.ts'
import { VirtualClock } from '../../src/testing/virtual_clock.ts'

export class RunningCluster {
  readonly clock = new VirtualClock()
  readonly cluster: SimulatedCluster
  #isOver = false
  readonly #running: Promise<void>

  constructor(seed = 1) {
    const random = seededRandom(seed)
    this.cluster = new SimulatedCluster({ clock: this.clock, random })
    this.#running = this.#run()
  }

  process(name = 'test'): SimulatedProcess {
    return new SimulatedProcess(name, this.clock)
  }

  log(options: Partial<SimulatedLogOptions> = {}): SimulatedLog {
    return new SimulatedLog({ cluster: this.cluster, process: this.process(), ...options })
  }

  /** While no timer is set, the test itself has something to do. */
  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.clock.run(() => this.#isOver)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
  }
}
