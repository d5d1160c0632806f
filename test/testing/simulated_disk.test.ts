// A simulated disk keeps the contract of every store, and what it may lose it loses from the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import type { Store } from '../../src/table/store.ts'
import { SimulatedDisk } from '../../src/testing/simulated_disk.ts'
import { SimulatedProcess } from '../../src/testing/simulated_process.ts'
import { VirtualClock } from '../../src/testing/virtual_clock.ts'
import { storeContract } from '../contract/store.ts'
import { RunningCluster } from '../support/simulated_cluster.ts'

const running = new RunningCluster()
let opened = 0

storeContract('simulated disk', async () => {
  const disk = new SimulatedDisk(running.clock, seededRandom(1))
  return disk.open(`store ${opened++}`, running.process())
})

test('the clock of the contract stops', () => running.stop())

const text = (value: string) => Buffer.from(value)

async function put(store: Store, value: string, sync = false): Promise<void> {
  const batch = store.batch()
  batch.put(text('key'), text(value))
  await batch.commit({ sync })
}

async function onClock<T>(clock: VirtualClock, run: () => Promise<T>): Promise<T> {
  let result: { value: T } | undefined
  run().then((value) => {
    result = { value }
  })
  await clock.run(() => result !== undefined)
  return result!.value
}

test('what a dead process has committed is there for the next one, and nothing after', async () => {
  const clock = new VirtualClock()
  const disk = new SimulatedDisk(clock, seededRandom(1))
  const first = new SimulatedProcess('first', clock)
  const store = disk.open('path', first)
  await onClock(clock, () => put(store, 'kept'))
  const never = put(store, 'never')
  assert.throws(() => disk.open('path', new SimulatedProcess('other', clock)), {
    code: 'STORE_LOCKED',
  })
  first.kill()
  await clock.run(() => false)
  void never
  const second = disk.open('path', new SimulatedProcess('second', clock))
  assert.equal(String(await second.get(text('key'))), 'kept')
})

test('a crash of the machine takes commits back from the last one to the last sync', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    const clock = new VirtualClock()
    const disk = new SimulatedDisk(clock, seededRandom(seed))
    const process = new SimulatedProcess('first', clock)
    const store = disk.open('path', process)
    await onClock(clock, async () => {
      await put(store, 'before')
      await put(store, 'synced', true)
      await put(store, 'after')
      await put(store, 'last')
    })
    process.kill()
    await disk.crash()
    const next = disk.open('path', new SimulatedProcess('next', clock))
    seen.add(String(await next.get(text('key'))))
  }
  assert.deepEqual([...seen].sort(), ['after', 'last', 'synced'])
})
