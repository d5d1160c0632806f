// The TypeScript reference keeps the kernels' contract, on batches in shared memory.
import { ReferenceLane } from '../../src/kernel/reference/lane.ts'
import { kernelContract } from '../contract/kernel.ts'

const tight = {
  roomBytes: 64 * 1024,
  budgetBytes: 256 * 1024,
  drainBytes: 4096,
  rejectsBytes: 4096,
}

kernelContract('reference', async (options, room) => ({
  lane: new ReferenceLane(options, room === 'tight' ? tight : {}),
  batch(payload) {
    const shared = new Uint8Array(new SharedArrayBuffer(payload.length))
    shared.set(payload)
    return { payload: shared, address: 0 }
  },
  close: async () => undefined,
}))
