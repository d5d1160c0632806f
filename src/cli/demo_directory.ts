// The directory of `euphorion demo`: begun afresh by each demo, and never one that is somebody
// else's.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workerSockets } from '../app/data_dir.ts'
import { EuphorionError } from '../errors.ts'
import { connectLocal } from '../wire/local_socket.ts'
import { demoId } from './demo_app.ts'

const MARK = '.euphorion-demo'

/**
 * Empties the directory of an earlier demo, or makes a new one. Rejects with USAGE where it holds
 * other things or another demo runs in it.
 */
export async function prepareDemoDirectory(path: string, dataDir: string): Promise<void> {
  if (existsSync(path) && !existsSync(join(path, MARK)) && readdirSync(path).length > 0) {
    refuse(path, 'is not empty and no demo made it')
  }
  if (await runs(dataDir)) refuse(path, 'is where another demo runs')
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  writeFileSync(
    join(path, MARK),
    'Made by `euphorion demo`, which empties it when it starts again.\n',
  )
}

function refuse(path: string, why: string): never {
  throw new EuphorionError('USAGE', `${path} ${why}: choose another --dir`)
}

async function runs(dataDir: string): Promise<boolean> {
  const [socket] = workerSockets(dataDir, demoId)
  try {
    const worker = await connectLocal(socket, { unavailable: 'QUERY_UNAVAILABLE' })
    worker.close()
    return true
  } catch {
    return false
  }
}
