// Who has an embedded log open: taken over from the dead, let go also where closing fails.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openEmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import { inDirectory, openOwned } from '../support/embedded.ts'
import { appendTo, numbered, rejectsWith } from '../support/log.ts'

const holder = (directory: string) => `
  import { openEmbeddedLog } from ${JSON.stringify(new URL('../../src/log/embedded/embedded_log.js', import.meta.url).href)}
  await openEmbeddedLog(${JSON.stringify(directory)})
  console.log('open in ' + process.pid)
  setInterval(() => {}, 60_000)
`

/** On Linux: dead, with all of its threads, and not waited for. */
const isZombie = (pid: number): boolean =>
  /\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) &&
  readdirSync(`/proc/${pid}/task`).length === 1

describe('embedded log, its lock', () => {
  it('is taken over from a killed owner that its parent has not waited for', () =>
    inDirectory(async (directory) => {
      // A shell that becomes `sleep` never waits for the child it began before.
      const script = '"$1" --input-type=module -e "$2" & exec sleep 60'
      const parent = spawn('sh', ['-c', script, 'sh', process.execPath, holder(directory)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const [line] = (await once(parent.stdout, 'data')) as [Buffer]
        const pid = Number(/open in (\d+)/.exec(line.toString())![1])
        await assert.rejects(openOwned(directory), rejectsWith('LOG_LOCKED'))
        process.kill(pid, 'SIGKILL')
        if (process.platform === 'linux')
          while (!isZombie(pid)) await new Promise((resolve) => setImmediate(resolve))
        else parent.kill('SIGKILL')
        await (await openOwned(directory)).close()
      } finally {
        parent.kill('SIGKILL')
      }
    }))

  it('one of several that open it at once has it', () =>
    inDirectory(async (directory) => {
      const opened = await Promise.allSettled(
        Array.from({ length: 8 }, () => openEmbeddedLog(directory)),
      )
      const logs = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      assert.equal(logs.length, 1)
      for (const each of opened)
        if (each.status === 'rejected') rejectsWith('LOG_LOCKED')(each.reason)
      await logs[0].close()
    }))

  it('a directory that cannot be one is a coded error', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'file')
      await writeFile(file, '')
      await assert.rejects(openEmbeddedLog(file), rejectsWith('LOG_FAILED'))
      await assert.rejects(openEmbeddedLog(join(file, 'log')), rejectsWith('LOG_FAILED'))
      await mkdir(join(directory, 'log'))
      await writeFile(join(directory, 'log', 'groups'), '')
      await assert.rejects(openEmbeddedLog(join(directory, 'log')), rejectsWith('LOG_FAILED'))
    }))

  it('is let go when closing fails', () =>
    inDirectory(async (directory) => {
      const log = await openOwned(directory)
      await log.createTopic('t', { partitions: 1 })
      await appendTo(log, 't', 0, numbered(3))
      const inTheWay = join(directory, 'topics', 'topic-t', '0', 'checkpoint.json.tmp')
      await mkdir(inTheWay)
      await assert.rejects(log.close(), rejectsWith('LOG_FAILED'))
      await rm(inTheWay, { recursive: true })
      const again = await openOwned(directory)
      assert.equal((await again.read('t', 0, 0)).length, 3)
      await again.close()
    }))
})
