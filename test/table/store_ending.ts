// Forked by native_rocksdb.test.ts: ends in the way that it is told, while writes, reads, scans and
// loads are under way.
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { ROW_PUT } from '../../src/batch/rows.ts'
import { openStore } from '../../src/table/open.ts'
import { RowWriter } from '../../src/table/packed.ts'
import type { Store } from '../../src/table/store.ts'

const [path, ending] = isMainThread ? process.argv.slice(2) : (workerData as [string, string])
const text = new TextEncoder()

/** Every row of a round holds its number. */
async function writeRound(store: Store, round: number): Promise<void> {
  const rows = new RowWriter()
  for (let row = 0; row < 2000; row++)
    rows.add(ROW_PUT, text.encode(`row ${row}`), text.encode(String(round)))
  const batch = store.batch()
  await batch.putRows(rows.take())
  batch.put(text.encode('!round'), text.encode(String(round)))
  await batch.commit()
}

/** Starts more than can be done at once; nothing is waited for. */
function startWork(store: Store): Promise<unknown>[] {
  const started: Promise<unknown>[] = []
  for (let round = 1; round < 8; round++) {
    started.push(writeRound(store, round))
    started.push(store.getMany(Array.from({ length: 100 }, (_, n) => text.encode(`row ${n}`))))
    started.push(store.scan({})[Symbol.asyncIterator]().next())
    const rows = new RowWriter()
    rows.add(ROW_PUT, text.encode(`loaded ${round}`), text.encode('x'))
    started.push(store.load().putRows(rows.take()))
  }
  for (const each of started) each.catch(() => undefined)
  return started
}

if (isMainThread && ending.startsWith('worker')) {
  const worker = new Worker(new URL(import.meta.url), { workerData: [path, ending] })
  await new Promise((resolve) => worker.once('message', resolve))
  if (ending === 'worker terminated') await worker.terminate()
  else await new Promise((resolve) => worker.once('exit', resolve))
  // the lock is free again
  await (await openStore('rocksdb-native', path)).close()
} else {
  const store = await openStore('rocksdb-native', path, { writeBufferBytes: 65536 })
  await writeRound(store, 0)
  const work = startWork(store)
  const { parentPort } = await import('node:worker_threads')
  parentPort?.postMessage('working')
  if (ending === 'exit') process.exit(7)
  if (ending === 'closed')
    await Promise.all([store.close(), ...work.map((each) => each.catch(() => {}))])
  if (ending === 'thrown') throw new Error('on purpose')
  if (ending === 'worker terminated') await new Promise((resolve) => setTimeout(resolve, 1e6))
}
