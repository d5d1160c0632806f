// A thread that ends its process with kill -9 when told to: the main thread is then wherever it is,
// be it in the middle of a write. Started by crash_worker.ts.
import { workerData } from 'node:worker_threads'

const { signal, spins } = workerData as { signal: Int32Array; spins: number }
Atomics.wait(signal, 0, 0)
for (let spin = 0; spin < spins; spin++) Atomics.load(signal, 0)
process.kill(process.pid, 'SIGKILL')
