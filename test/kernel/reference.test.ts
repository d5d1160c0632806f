// The TypeScript reference keeps the kernels' contract.
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
  batch: (payload) => ({ payload, address: 0 }),
  close: async () => undefined,
}))
