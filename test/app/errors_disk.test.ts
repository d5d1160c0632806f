// Coded errors of the disk, through the public API: no space, locks, damage, packages that are not
// installed. "No space" is injected, and a small tmpfs too where the test may mount one.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs, { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import Module, { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type AppOptions, count, integer, record, string } from '../../src/index.ts'
import { isError } from '../support/coded_errors.ts'
import { newDirectory, Program, visitsApp } from '../support/program.ts'
import { caughtUp, fillTopic, inTemporary, testApp } from '../support/running_app.ts'
import { rocksdbKinds } from '../support/stores.ts'

const limit = { timeout: 240_000 }
const Visit = record('Visit', { page: string(), ms: integer() })
const visit = { page: '/', ms: 1 }

const place = (directory: string): AppOptions => ({
  broker: `embedded:${join(directory, 'log')}`,
  dataDir: join(directory, 'data'),
})

/** An app with a table by page over topic `visits`. */
function withTable(options: AppOptions, id = 'visits-app', partitions = 2) {
  const made = testApp(options, id)
  const visits = made.app.topic('visits', { value: Visit, keyedBy: 'page', partitions })
  const perPage = made.app
    .stream(visits)
    .keyBy('page')
    .aggregate('per-page', () => ({ visits: count() }))
  return { ...made, visits, perPage }
}

interface Disk {
  readonly directory: string
  readonly fill: (what: 'log' | 'tables') => void
  readonly free: () => void
}

type Work = (disk: Disk) => Promise<void>

// Before the log's driver is loaded, which takes the function then.
let full: 'log' | 'tables' | undefined
const writev = promisify(fs.writev)
const statfs = fs.promises.statfs
Object.defineProperty(fs.writev, promisify.custom, {
  value: (...given: Parameters<typeof writev>) => {
    if (full !== 'log') return writev(...given)
    const error = new Error('ENOSPC: no space left on device, write')
    return Promise.reject(Object.assign(error, { code: 'ENOSPC' }))
  },
})
fs.promises.statfs = (async (path: string) => {
  const found = await statfs(path)
  return full === 'tables' ? { ...found, bavail: 10 } : found
}) as typeof statfs
syncBuiltinESMExports()

const injected = (work: Work): Promise<void> =>
  inTemporary(async (directory) => {
    const free = (): void => {
      full = undefined
    }
    const fill: Disk['fill'] = (what) => {
      full = what
    }
    await work({ directory, fill, free }).finally(free)
  })

const SMALL = 'size=8m'
const LARGE = 'size=512m'

const mounted = (work: Work): Promise<void> =>
  inTemporary(async (parent) => {
    const directory = join(parent, 'disk')
    mkdirSync(directory)
    execFileSync('mount', ['-t', 'tmpfs', '-o', LARGE, 'tmpfs', directory])
    const resize = (size: string) => () =>
      void execFileSync('mount', ['-o', `remount,${size}`, directory])
    try {
      await inTemporary(() => work({ directory, fill: resize(SMALL), free: resize(LARGE) }))
    } finally {
      execFileSync('umount', ['-l', directory])
    }
  })

function canMount(): boolean {
  const directory = fs.mkdtempSync('/tmp/euphorion-mount-')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', SMALL, 'tmpfs', directory], { stdio: 'ignore' })
    execFileSync('umount', [directory])
    return true
  } catch {
    return false
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const kinds = { injected, ...(process.getuid?.() === 0 && canMount() ? { mounted } : {}) }

for (const [kind, on] of Object.entries(kinds))
  describe(`a full disk, ${kind}`, limit, () => {
    test('under the log: DISK_FULL, and what was acknowledged is there', () =>
      on(async ({ directory, fill, free }) => {
        const { visits, app } = withTable(place(directory))
        await (await app.log()).createTopic('visits', { partitions: 1 })
        const note = Buffer.alloc(1_000_000, 0x61)
        const send = () => visits.sendBytes(null, note, { partition: 0 })
        await send()
        fill('log')
        let stored = 1
        let refusal: unknown
        while (refusal === undefined && stored < 20)
          await send().then(
            () => stored++,
            (error) => {
              refusal = error
            },
          )
        const { path = '' } = (refusal as { place: { path?: string } }).place
        assert.ok(path.startsWith(join(directory, 'log')), path)
        isError('DISK_FULL', /disk of the embedded log is full/, { path })(refusal)
        free()
        assert.equal((await send()).offset, stored)
        for (let offset = 0; offset <= stored; offset++) {
          const [{ value }] = await (await app.log()).read('visits', 0, offset, 1)
          assert.equal(Buffer.compare(value!, note), 0)
        }
      }))

    for (const store of rocksdbKinds)
      test(`under the tables (${store}): DISK_FULL ends the worker, and the next one counts on`, () =>
        on(async ({ directory, fill, free }) => {
          await inTemporary(async (elsewhere) => {
            const options = { ...place(elsewhere), dataDir: join(directory, 'data'), store }
            const { app, visits, perPage } = withTable(options, 'visits-app', 1)
            await app.start()
            await visits.send({ value: visit })
            await caughtUp(app, 'visits')
            assert.deepEqual(await perPage.get('/'), { key: '/', visits: 1 })
            fill('tables')
            await visits.send({ value: visit })
            await assert.rejects(app.ended, (error: { place: { path: string } }) => {
              const { path } = error.place
              assert.ok(path.startsWith(join(directory, 'data')), path)
              return isError('DISK_FULL', /bytes are left on the disk of the store/, { path })(
                error,
              )
            })
            await app.stop().catch(() => undefined)
            free()
            const next = withTable(options, 'visits-app', 1)
            await next.app.start()
            await caughtUp(next.app, 'visits')
            assert.deepEqual(await next.perPage.get('/'), { key: '/', visits: 2 })
            await next.app.stop()
          })
        }))
  })

describe('locks', limit, () => {
  test("another process's log: LOG_LOCKED; its state: STORE_LOCKED", async (t) => {
    const directory = await newDirectory()
    const env = { EUPHORION_BROKER: 'embedded:log', EUPHORION_DATA_DIR: 'data' }
    const program = Program.start(t, [visitsApp, 'worker'], { cwd: directory, env })
    await program.prints(/worker started/)
    await inTemporary(async (elsewhere) => {
      const { app } = withTable(place(directory))
      const says = new RegExp(`embedded log in ${join(directory, 'log')} is open in process \\d+`)
      await assert.rejects(app.start(), (error: { place: object }) => {
        return isError('LOG_LOCKED', says, error.place)(error)
      })
      const { broker } = place(elsewhere)
      const other = withTable({ ...place(directory), broker })
      await assert.rejects(other.app.start(), (error: { place: { path: string } }) => {
        const { path } = error.place
        assert.equal(dirname(path), join(directory, 'data', 'visits-app', 'tables', 'visits'))
        return isError('STORE_LOCKED', /is open in another process/, { path })(error)
      })
    })
    program.signal('SIGINT')
    assert.equal((await program.ended).code, 0)
  })
})

/** The only file below with such a name. */
function fileBelow(directory: string, ending: string): string {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const found = files.filter((name) => name.endsWith(ending))
  assert.equal(found.length, 1, found.join())
  return join(directory, found[0])
}

describe('damage', limit, () => {
  test('in the middle of a segment: LOG_CORRUPT with topic, partition and file', () =>
    inTemporary(async (directory) => {
      const { app } = withTable(place(directory))
      const records = Array.from({ length: 300 }, () => {
        return { key: null, value: Buffer.from(JSON.stringify(visit)), timestamp: 1 }
      })
      await fillTopic(await app.log(), 'visits', [records, []])
      await app.stop()
      const path = fileBelow(join(directory, 'log'), join('visits', '0', `${'0'.repeat(20)}.log`))
      const bytes = readFileSync(path)
      const batch = bytes.length / 3
      bytes.fill(0xff, batch, batch + 61)
      writeFileSync(path, bytes)
      const again = withTable(place(directory))
      const where = { topic: 'visits', partition: 0, path }
      const refusal = isError('LOG_CORRUPT', new RegExp(`damaged at byte ${batch}`), where)
      await assert.rejects(
        again.app.start().then(() => again.app.ended),
        refusal,
      )
    }))

  test('of the description of a topic: LOG_CORRUPT with the file', () =>
    inTemporary(async (directory) => {
      const { app } = withTable(place(directory))
      await fillTopic(await app.log(), 'visits', [[], []])
      await app.stop()
      const path = fileBelow(join(directory, 'log'), 'topic.json')
      writeFileSync(path, '{')
      const again = withTable(place(directory))
      const refusal = isError('LOG_CORRUPT', /topic.json cannot be read/, { path })
      await assert.rejects(again.app.start(), refusal)
    }))

  for (const store of rocksdbKinds)
    test(`of a store (${store}): STORE_FAILED with its directory`, () =>
      inTemporary(async (directory) => {
        const options = { ...place(directory), store }
        const { app } = withTable(options)
        await app.start()
        await app.stop()
        const path = join(directory, 'data', 'visits-app', 'tables', 'visits', '1')
        writeFileSync(join(path, 'CURRENT'), 'nonsense')
        const again = withTable(options)
        const refusal = isError('STORE_FAILED', /^cannot open the store at .*CURRENT/, { path })
        await assert.rejects(again.app.start(), refusal)
      }))
})

type Load = (name: string, ...more: readonly unknown[]) => unknown

/** Runs as where that package is not installed. */
async function without(name: string, work: () => Promise<void>): Promise<void> {
  const loader = Module as unknown as { _load: Load }
  const load = loader._load
  loader._load = (wanted, ...more) => {
    if (wanted !== name) return load.call(loader, wanted, ...more)
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' })
  }
  try {
    await work()
  } finally {
    loader._load = load
  }
}

describe('optional packages that are not installed', limit, () => {
  test('rocksdb: STORE_UNAVAILABLE', () =>
    without('rocksdb', () =>
      inTemporary(async (directory) => {
        const { app } = withTable({ ...place(directory), store: 'rocksdb-package' })
        const says = /package rocksdb cannot be loaded/
        await assert.rejects(app.start(), isError('STORE_UNAVAILABLE', says))
      }),
    ))

  test('a compression: CODEC_UNAVAILABLE names the package', () =>
    without('lz4-napi', () =>
      inTemporary(async (directory) => {
        const log = await withTable(place(directory)).app.log()
        const says = /lz4 needs the optional package lz4-napi/
        await assert.rejects(
          log.producer({ compression: 'lz4' }),
          isError('CODEC_UNAVAILABLE', says),
        )
      }),
    ))
})
