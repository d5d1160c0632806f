// The embedded log keeps the contract of every log.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedLog, openEmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import { codecNames, decompress } from '../../src/wire/compression.ts'
import { logContract } from '../contract/log.ts'

logContract(
  'embedded',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'euphorion-log-'))
    const log = await openEmbeddedLog(directory)
    return {
      log,
      async dispose() {
        await log.close()
        await rm(directory, { recursive: true })
      },
    }
  },
  {
    compressions: ['gzip', 'snappy', 'lz4', 'zstd'],
    transactions: true,
    compact: (log, topic) => (log as EmbeddedLog).clean(topic),
    inflate: (codec, bytes) => decompress(codecNames[codec]!, bytes, 64 << 20),
  },
)
