// What goes wrong in a simulation: at random moments something happens to a machine, to the network
// or to the cluster, and ends again. Owned by Simulation.
import type { Random } from '../clock.ts'
import type { Fault, FaultKind } from './fault_kinds.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import { usualCommitMs } from './simulated_disk.ts'
import type { SimulatedMachine } from './simulated_machine.ts'
import type { SimulatedProcess } from './simulated_process.ts'
import type { VirtualClock } from './virtual_clock.ts'

export interface FaultPorts {
  readonly clock: VirtualClock
  readonly random: Random
  readonly cluster: SimulatedCluster
  readonly kinds: readonly FaultKind[]
  /** ms between faults, on average. */
  readonly everyMs: number
  readonly machines: readonly SimulatedMachine[]
  readonly machinesMin: number
  readonly trace: (text: string) => void
  /** Between two steps of time: what awaits something else than time. */
  readonly act: (action: () => Promise<void>) => void
}

/** Part of the crashes that come with a request. */
const AMBUSH_RATE = 0.5
const AMBUSHED = [
  'EndTransaction',
  'OffsetCommit',
  'TxnOffsetCommit',
  'AddToTransaction',
  'Produce',
]

export class Faults {
  readonly made: Fault[] = []
  readonly #ports: FaultPorts
  #isOver = false
  /** What ends a fault that goes on. */
  readonly #ends = new Set<() => void>()

  constructor(ports: FaultPorts) {
    this.#ports = ports
  }

  start(): void {
    const { clock, random, everyMs, kinds } = this.#ports
    if (kinds.length === 0) return
    clock.after(2 * random() * everyMs, () => {
      if (this.#isOver) return
      this.#strike()
      this.start()
    })
  }

  /** All that goes on ends, and nothing new begins. */
  stop(): void {
    this.#isOver = true
    for (const end of [...this.#ends]) end()
  }

  #strike(): void {
    const { kinds, random } = this.#ports
    const kind = kinds[Math.floor(random() * kinds.length)]
    const what = this.#begin(kind)
    if (what === undefined) return
    const { clock, trace } = this.#ports
    this.made.push({ atMs: Math.round(clock.monotonic()), kind, what })
    trace(`fault ${kind}: ${what}`)
  }

  /** Undefined where there is nothing that it could happen to. */
  #begin(kind: FaultKind): string | undefined {
    switch (kind) {
      case 'slow-disk':
      case 'full-disk':
        return this.#disk(kind)
      case 'bad-network':
      case 'broker-restart':
        return this.#brokers(kind)
      case 'compaction':
        return this.#compact()
      case 'join':
        return this.#join()
      default:
        return this.#process(kind)
    }
  }

  #process(kind: Exclude<FaultKind, 'join' | 'compaction'>): string | undefined {
    const { cluster, random } = this.#ports
    const machine = this.#pick((each) => each.process?.isPaused === false)
    if (machine === undefined) return undefined
    const { process } = machine
    const name = process!.name
    if (kind === 'lost-connections') cluster.dropConnections(process)
    else if (kind === 'leave') return this.#leave(machine)
    else {
      const ms = random() < 0.5 ? random() * 4000 : 5000 + random() * 15_000
      const strike = (): void => {
        if (kind === 'pause') this.#pause(process!, ms)
        else this.#kill(machine, kind)
      }
      const howLong = kind === 'pause' ? ` for ${Math.round(ms)} ms` : ''
      if (random() < AMBUSH_RATE) return `${this.#ambush(process!, strike)}${howLong}`
      strike()
      return `${name}${howLong}`
    }
    return name
  }

  #pause(process: SimulatedProcess, ms: number): void {
    process.pause()
    this.#until(ms, () => process.resume())
  }

  /** It happens in the middle of a cut, or of whatever asks the brokers next. */
  #ambush(victim: SimulatedProcess, strike: () => void): string {
    const { cluster, random } = this.#ports
    const request = AMBUSHED[Math.floor(random() * AMBUSHED.length)]
    const place = random() < 0.5 ? 'before' : 'behind'
    cluster.watch = (process, name, when) => {
      if (process !== victim || name !== request || when !== place) return
      cluster.watch = () => undefined
      if (!this.#isOver && !victim.isDead) strike()
    }
    return `${victim.name} ${place} its next ${request}`
  }

  #kill(machine: SimulatedMachine, kind: FaultKind): void {
    const { random, act } = this.#ports
    machine.kill()
    if (kind === 'wipe') machine.disk.wipe()
    if (kind === 'machine-crash') act(() => machine.disk.crash())
    const awayMs = random() < 0.5 ? random() * 1000 : random() * 12_000
    this.#until(awayMs, () => act(() => machine.start()))
  }

  #leave(machine: SimulatedMachine): string | undefined {
    const { machines, machinesMin, random, act } = this.#ports
    const name = machine.process!.name
    if (machines.filter(({ process }) => process !== undefined).length <= machinesMin)
      return undefined
    void machine.stop().then(() => {
      this.#until(random() * 15_000, () => act(() => machine.start()))
    })
    return name
  }

  #join(): string | undefined {
    const machine = this.#pick(({ process }) => process === undefined)
    if (machine === undefined) return undefined
    this.#ports.act(() => machine.start())
    return machine.name
  }

  #disk(kind: 'slow-disk' | 'full-disk'): string | undefined {
    const { random } = this.#ports
    const machine = this.#pick(() => true)!
    const { weather } = machine.disk
    if (kind === 'slow-disk') weather.commitMs = [50, 100 + random() * 3000]
    else weather.isFull = true
    this.#until(random() * 5000, () => {
      weather.commitMs = usualCommitMs
      weather.isFull = false
    })
    return machine.name
  }

  #brokers(kind: 'bad-network' | 'broker-restart'): string | undefined {
    const { cluster, random } = this.#ports
    const { weather } = cluster
    if (kind === 'broker-restart') {
      if (weather.isDown) return undefined
      cluster.down()
      const ms = random() * 8000
      this.#until(ms, () => cluster.up())
      return `for ${Math.round(ms)} ms`
    }
    weather.lossRate = random() * 0.2
    weather.slowRate = random() * 0.2
    this.#until(random() * 5000, () => {
      weather.lossRate = 0
      weather.slowRate = 0.02
    })
    return `${Math.round(100 * weather.lossRate)} % of the requests`
  }

  #compact(): string {
    const { cluster, random } = this.#ports
    const gone = cluster.clean(random)
    return `${gone} batches`
  }

  #until(ms: number, end: () => void): void {
    const once = (): void => {
      if (!this.#ends.delete(once)) return
      end()
    }
    this.#ends.add(once)
    this.#ports.clock.after(ms, once)
  }

  #pick(which: (machine: SimulatedMachine) => boolean): SimulatedMachine | undefined {
    const { machines, random } = this.#ports
    const found = machines.filter(which)
    return found[Math.floor(random() * found.length)]
  }
}
