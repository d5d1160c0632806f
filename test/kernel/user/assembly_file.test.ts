// Kernels that were compiled once are there at once the next time, for as long as nothing that they
// were made from has changed; and whatever happens to the cache costs time only.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { AssemblyCache, cacheKey } from '../../../src/kernel/user/assembly_cache.ts'
import { openAssembly } from '../../../src/kernel/user/assembly_file.ts'
import type { CompiledAssembly } from '../../../src/kernel/user/assembly_request.ts'
import { type KernelFiles, kernelFiles } from '../../support/kernel_files.ts'
import { Program } from '../../support/program.ts'

let files: KernelFiles

before(async () => {
  files = await kernelFiles()
})

const declared = {
  columns: { x: 'f64' },
  params: {},
  out: {},
  inferRest: false,
  collectGarbage: false,
} as const
const first = 'export function f(x: Float64Array): f64 { return x[0] }\n'

function cached(cache: string): string[] {
  return readdirSync(join(files.directory, cache, 'kernels')).sort()
}

/** Whether it was in the cache of that name. */
async function wasCached(url: URL, cache: string, more: object = {}): Promise<boolean> {
  const file = await openAssembly(url, { ...declared, ...more }, join(files.directory, cache))
  return file.cached
}

test('a kernel is compiled again when anything that decides it has changed', async () => {
  files.write('a/two.ts', 'export const two = 2.0\n')
  const text =
    "import { two } from './two'\nexport function f(x: Float64Array): f64 { return two }\n"
  const url = files.write('a/f.kernel.ts', text)
  const cache = 'cache-a'
  assert.equal(await wasCached(url, cache), false)
  assert.equal(await wasCached(url, cache), true)
  assert.equal(await wasCached(files.write('b/f.kernel.ts', text), cache).catch(() => 0), 0)
  files.write('b/two.ts', 'export const two = 2.0\n')
  assert.equal(await wasCached(new URL('../b/f.kernel.ts', url), cache), true, 'by content')
  files.write('a/two.ts', 'export const two = 2.5\n')
  assert.equal(await wasCached(url, cache), false, 'an imported file')
  files.write('a/two.ts', 'export const two = 2.0\n')
  assert.equal(await wasCached(url, cache), true, 'both are kept')
  assert.equal(await wasCached(url, cache, { collectGarbage: true }), false)
  assert.equal(await wasCached(url, cache, { result: 'f64' }), false)
  files.write('a/f.kernel.ts', `${text} `)
  assert.equal(await wasCached(url, cache), false, 'its own text')
})

test('a file that comes before an imported one counts', async () => {
  files.write('c/two/index.ts', 'export const two = 2.0\n')
  const text =
    "import { two } from './two'\nexport function f(x: Float64Array): f64 { return two }\n"
  const url = files.write('c/f.kernel.ts', text)
  assert.equal(await wasCached(url, 'cache-c'), false)
  assert.equal(await wasCached(url, 'cache-c'), true)
  files.write('c/two.ts', 'export const two = 3.0\n')
  assert.equal(await wasCached(url, 'cache-c'), false)
})

test('whatever is damaged is compiled again', async () => {
  const url = files.write('d.kernel.ts', first)
  const cache = 'cache-d'
  await wasCached(url, cache)
  const path = join(files.directory, cache, 'kernels', cached(cache)[0])
  const whole = readFileSync(path)
  const damages = [
    Buffer.alloc(0),
    whole.subarray(0, 63),
    whole.subarray(0, whole.length - 1),
    Buffer.concat([whole, Buffer.from(' ')]),
    ...[0, 70, whole.length - 3].map((at) => {
      const bytes = Buffer.from(whole)
      bytes[at] ^= 4
      return bytes
    }),
  ]
  for (const damaged of damages) {
    writeFileSync(path, damaged)
    assert.equal(await wasCached(url, cache), false)
    assert.deepEqual(readFileSync(path), whole, 'the same again')
  }
  assert.equal(await wasCached(url, cache), true)
})

test('a cache that cannot be written costs time only', async () => {
  const url = files.write('e.kernel.ts', first)
  files.write('cache-e', 'a file')
  assert.equal(await wasCached(url, 'cache-e'), false)
  assert.equal(await wasCached(url, 'cache-e'), false)
})

test('who asks for the same at the same time gets the same', async () => {
  const url = files.write('g.kernel.ts', first)
  const cache = join(files.directory, 'cache-g')
  const all = await Promise.all(
    Array.from({ length: 10 }, () => openAssembly(url, declared, cache)),
  )
  assert.equal(new Set(all).size, 1)
})

test('processes share a cache, and end by themselves', { timeout: 240_000 }, async (t) => {
  const url = files.write('h.kernel.ts', first)
  const modules = new URL('../../../src/kernel/user/assembly_file.js', import.meta.url)
  const program = files.write(
    'open.mjs',
    `import { openAssembly } from '${modules}'
const url = new URL('h.kernel.ts', import.meta.url)
const { compiled } = await openAssembly(url, ${JSON.stringify(declared)}, './cache-h')
console.log(compiled.layout.signature)
`,
  )
  const { directory: cwd } = files
  const programs = [1, 2, 3].map(() => Program.start(t, [program.pathname], { cwd }))
  for (const { ended } of programs) {
    const { code, out, err } = await ended
    assert.equal(code, 0, err)
    assert.equal(out, 'f(x: Float64Array): f64\n')
  }
  assert.equal(cached('cache-h').length, 1)
  assert.equal(await wasCached(url, 'cache-h'), true)
})

const nothing: CompiledAssembly = {
  layout: { name: 'f', signature: 'f(): void', parameters: [], result: 'void', initialPages: 1 },
  wasm: Uint8Array.of(1, 2, 3),
  sourceMap: '{}',
  dependencies: [],
  warnings: [],
}

test('the cache forgets what was used longest ago', async () => {
  const directory = join(files.directory, 'cache-i')
  let now = 1_000_000_000_000
  const clock = { now: () => now, monotonic: () => now, after: () => () => undefined }
  const bounds = { entriesMax: 3, bytesMax: 10_000 }
  const cache = new AssemblyCache(directory, { clock, bounds })
  const used = (key: string): void => {
    const name = readdirSync(directory).find((each) => each.startsWith(key))
    now += 1000
    utimesSync(join(directory, name!), now / 1000, now / 1000)
  }
  for (const key of ['a', 'b', 'c']) {
    await cache.keep(key, nothing)
    used(key)
  }
  now += 1000
  assert.deepEqual(await cache.find('a', files.directory), nothing)
  await cache.keep('d', nothing)
  assert.equal(await cache.find('b', files.directory), undefined)
  for (const key of ['a', 'c', 'd']) assert.ok(await cache.find(key, files.directory), key)
  used('a')
  used('d')
  await cache.keep('e', { ...nothing, wasm: new Uint8Array(9600) })
  assert.deepEqual(
    readdirSync(directory).map((each) => each[0]),
    ['e'],
    'as many bytes as it may have',
  )
})

test('what another process left unfinished is removed in the end', async () => {
  const directory = join(files.directory, 'cache-j')
  const cache = new AssemblyCache(directory)
  await cache.keep('a', nothing)
  const left = join(directory, 'b-1.kernel.9-9-9.tmp')
  writeFileSync(left, 'half')
  await cache.keep('c', nothing)
  assert.equal(readdirSync(directory).length, 3, 'it may still be written')
  utimesSync(left, 1, 1)
  await cache.keep('d', nothing)
  assert.equal(readdirSync(directory).length, 3)
  rmSync(directory, { recursive: true })
})

test('the cache gives back what it was given', async () => {
  const cache = new AssemblyCache(join(files.directory, 'cache-k'))
  const compiled = fc.record({
    wasm: fc.uint8Array({ maxLength: 300 }),
    sourceMap: fc.string({ unit: 'grapheme' }),
    text: fc.string({ unit: 'grapheme' }),
  })
  const property = fc.asyncProperty(compiled, async ({ wasm, sourceMap, text }) => {
    const made: CompiledAssembly = {
      ...nothing,
      wasm,
      sourceMap: sourceMap,
      warnings: [{ message: text }],
    }
    const key = cacheKey([text, sourceMap, [...wasm]])
    await cache.keep(key, made)
    assert.deepEqual(await cache.find(key, files.directory), made)
  })
  await fc.assert(property, { numRuns: 30 })
})
