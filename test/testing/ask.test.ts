// Asking on a simulated cluster: a client, workers that are killed and come back, both guarantees;
// the same seed gives the same run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { App, EuphorionError, json } from '../../src/index.ts'
import { noPlants } from '../../src/plants.ts'
import { SimulatedCluster } from '../../src/testing/simulated_cluster.ts'
import { SimulatedLog } from '../../src/testing/simulated_log.ts'
import { SimulatedMachine } from '../../src/testing/simulated_machine.ts'
import { SimulatedProcess } from '../../src/testing/simulated_process.ts'
import { VirtualClock } from '../../src/testing/virtual_clock.ts'

const timeout = 120_000
const REQUESTS = 400
const EVERY_MS = 25
/** Virtual time in which every request has its reply, after the last one. */
const END_MS = 120_000

const defaults = {
  broker: 'embedded:./simulated',
  dataDir: '/simulated',
  backend: 'js',
  store: 'memory',
  web: false,
  memoryMib: 32,
  fetchesInFlight: 3,
  batchBytes: 64 * 1024,
  sessionTimeoutMs: 6000,
  heartbeatIntervalMs: 500,
  commitIntervalMs: 200,
  topicPartitions: 3,
  replyTimeoutMs: 5000,
}

function squares(app: App) {
  return app.agent(
    'numbers',
    async function* square(stream) {
      for await (const value of stream) yield value * value
    },
    { value: json<number>() },
  )
}

class Cluster {
  readonly clock = new VirtualClock()
  readonly trace: string[] = []
  readonly #random
  readonly #cluster
  readonly #settings

  constructor(seed: number, guarantee: string) {
    this.#random = seededRandom(seed)
    this.#settings = { ...defaults, guarantee }
    this.#cluster = new SimulatedCluster({
      clock: this.clock,
      random: this.#random,
      trace: this.#tell,
    })
  }

  readonly #tell = (line: string): void => {
    this.trace.push(`${Math.round(this.clock.monotonic())} ${line}`)
  }

  machine(name: string): SimulatedMachine {
    const makeApp = (): App => {
      const app = new App('squares')
      squares(app)
      return app
    }
    return new SimulatedMachine({
      name,
      clock: this.clock,
      random: this.#random,
      cluster: this.#cluster,
      settings: this.#settings,
      plants: noPlants,
      makeApp,
      trace: this.#tell,
      runsTimers: () => true,
      failed: (_, error) => this.#tell(`failed ${error}`),
    })
  }

  client(): App {
    const app = new App('client')
    const process = new SimulatedProcess('client', this.clock)
    const quiet = (): void => undefined
    app.configure(this.#settings)
    app.runOn({
      clock: process.clock,
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      openStore: () => assert.fail('a client has no store'),
      plants: noPlants,
      random: this.#random,
      openLog: () => new SimulatedLog({ cluster: this.#cluster, process }),
    })
    return app
  }

  /** Lets time pass until the promise settles. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    const end = (): void => {
      isOver = true
    }
    promise.then(end, end)
    await this.clock.run(() => isOver, this.clock.monotonic() + END_MS)
    assert.ok(isOver, 'it does not end')
    return promise
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }
}

/** Asks until there is an answer, as who needs one would. */
async function askAgain(ask: () => Promise<number>): Promise<number> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof EuphorionError) || error.code !== 'ASK_TIMEOUT') throw error
    }
  }
}

async function run(seed: number, guarantee: string) {
  const cluster = new Cluster(seed, guarantee)
  const machines = [cluster.machine('m1'), cluster.machine('m2')]
  await machines[0].start()
  await cluster.until(cluster.pass(5000))
  await machines[1].start()
  const client = cluster.client()
  const agent = squares(client)
  const asked: Promise<number>[] = []
  const asking = (async () => {
    for (let id = 0; id < REQUESTS; id++) {
      asked.push(askAgain(() => agent.ask(id)))
      if (id === 150) machines[0].kill()
      if (id === 300) await machines[0].start()
      await cluster.pass(EVERY_MS)
    }
    return Promise.all(asked)
  })()
  const results = await cluster.until(asking)
  const statistics = client.replies()
  await cluster.until(client.stop())
  for (const machine of machines) machine.kill()
  return { results, statistics, trace: cluster.trace }
}

for (const guarantee of ['at_least_once', 'exactly_once']) {
  test(`every request is answered at last, ${guarantee}, a worker killed meanwhile`, {
    timeout,
  }, async () => {
    const { results, statistics, trace } = await run(7, guarantee)
    assert.deepEqual(
      results,
      results.map((_, id) => id * id),
    )
    assert.equal(results.length, REQUESTS)
    assert.deepEqual([statistics.waiting, statistics.answered], [0, REQUESTS])
    assert.equal(statistics.failed + statistics.cancelled, 0)
    const again = await run(7, guarantee)
    assert.deepEqual([again.statistics, again.trace], [statistics, trace])
  })
}
