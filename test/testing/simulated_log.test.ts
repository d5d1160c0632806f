// The simulated log keeps the contract of every log.
import { codecNames, decompress } from '../../src/wire/compression.ts'
import { logContract } from '../contract/log.ts'
import { RunningCluster } from '../support/simulated_cluster.ts'

let running: RunningCluster

logContract(
  'simulated',
  async () => {
    running = new RunningCluster()
    const log = running.log()
    return {
      log,
      async dispose() {
        await log.close()
        await running.stop()
      },
    }
  },
  {
    compressions: ['gzip', 'snappy', 'lz4', 'zstd'],
    transactions: true,
    compact: async (_, topic) => {
      for (const partition of running.cluster.topic(topic).partitions)
        partition.compact(running.clock.now(), () => 1 - Number.EPSILON)
    },
    inflate: (codec, bytes) => decompress(codecNames[codec]!, bytes, 64 << 20),
  },
)
