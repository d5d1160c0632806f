// The pool in processes of their own: where its settings come from, when the process ends, and
// what a program's modules do in its threads.
import assert from 'node:assert/strict'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Ended, newDirectory, runNode } from '../../support/program.ts'

const root = join(import.meta.dirname, '../../../..')
const kernels = new URL('../../../src/kernels.js', import.meta.url).href
const index = new URL('../../../src/index.js', import.meta.url).href
const options = new URL('../../../src/kernel/offload/options.js', import.meta.url).href
const user = new URL('../../support/user_kernels.js', import.meta.url).href

interface Given {
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly node?: readonly string[]
  readonly entry?: string
}

/** Runs a program in a directory of its own, where `euphorion` and tsx can be imported. */
async function program(t: TestContext, main: string, given: Given = {}): Promise<Ended> {
  const { files = {}, env, node = [], entry = 'main.mjs' } = given
  const cwd = await newDirectory()
  await symlink(join(root, 'node_modules'), join(cwd, 'node_modules'))
  const all = { 'package.json': '{ "type": "module" }', ...files, [entry]: main }
  for (const [name, text] of Object.entries(all)) await writeFile(join(cwd, name), text)
  return runNode(t, [...node, entry], { cwd, env })
}

/** What it printed as JSON, once it has ended well. */
async function output(t: TestContext, main: string, given: Given = {}): Promise<unknown> {
  const { code, out, err } = await program(t, main, given)
  assert.equal(code, 0, err)
  return JSON.parse(out)
}

test('a program that awaited its kernels ends by itself', async (t) => {
  const main = `
import { sum } from '${user}'
console.log(await sum.run({ values: new Float64Array([1, 2]) }))`
  assert.equal(await output(t, main), 3)
})

test('a program that does not await its kernels ends when they are done', async (t) => {
  const main = `
import { sum } from '${user}'
void sum.run({ values: new Float64Array([1, 2]) }).then(console.log)`
  assert.equal(await output(t, main), 3)
})

test('close() ends the threads', async (t) => {
  const main = `
import { kernelPool } from '${kernels}'
import { sum, unruly, bad } from '${user}'
await sum.run({ values: new Float64Array(1) })
const spinning = unruly.run({}, { params: { how: bad.spins } }).catch(({ code }) => code)
await new Promise((resolve) => setTimeout(resolve, 50))
await kernelPool().close()
console.log(JSON.stringify([await spinning, kernelPool().stats().threads]))`
  assert.deepEqual(await output(t, main), ['KERNEL_CANCELLED', 0])
})

const show = `
const { threads, queueTasks, timeoutMs, memoryMib, cacheDir, backend } = kernelSettings()
console.log(JSON.stringify([threads, queueTasks, timeoutMs, memoryMib, cacheDir, backend]))`

test('settings: the environment beats the file, that beats code, that beats an app', async (t) => {
  const main = `
import { App } from '${index}'
import { configureKernels } from '${kernels}'
import { kernelSettings } from '${options}'
configureKernels({ threads: 2, queueTasks: 20, timeoutMs: '2s' })
configureKernels({ memoryMib: 32 })
const app = new App('a', { broker: 'embedded:./log', logLevel: 'silent', kernelThreads: 9, cacheDir: '/x', kernelMemoryMib: 64 })
await app.start()
await app.stop()
${show}`
  const files = { 'euphorion.config.json': '{ "kernelQueueTasks": 21, "kernelTimeoutMs": 3000 }' }
  const env = { EUPHORION_KERNEL_TIMEOUT_MS: '4s', EUPHORION_KERNEL_BACKEND: 'js' }
  assert.deepEqual(await output(t, main, { files, env }), [2, 21, 4000, 32, '/x', 'js'])
})

test('settings that come too late, or cannot be, are refused', async (t) => {
  const main = `
import { configureKernels, kernelPool } from '${kernels}'
const codes = []
const code = (options) => { try { configureKernels(options); return 'none' } catch (e) { return e.code } }
codes.push(code({ threads: 0 }), code({ thread: 1 }), code({ backend: 'gpu' }), code({ threads: 3 }))
codes.push(kernelPool().threads, code({ threads: 2 }), kernelPool().threads)
console.log(JSON.stringify(codes))`
  const codes = ['SETTING_INVALID', 'KERNEL_INVALID', 'SETTING_INVALID', 'none', 3]
  assert.deepEqual(await output(t, main), [...codes, 'KERNEL_INVALID', 3])
  const env = { EUPHORION_KERNEL_THREADS: 'many' }
  const { code, err } = await program(t, `import { kernelPool } from '${kernels}'\nkernelPool()`, {
    env,
  })
  assert.notEqual(code, 0)
  assert.match(err, /SETTING_INVALID/)
})

test('the addon that is switched off is not there', async (t) => {
  const main = `
import { mandelbrot } from '${kernels}'
const code = await mandelbrot({ nx: 2, ny: 2, iterations: 1 }, { backend: 'native' }).catch((e) => e)
console.log(JSON.stringify([code.code, code.message]))`
  const [code, message] = (await output(t, main, { env: { EUPHORION_NATIVE: '0' } })) as string[]
  assert.equal(code, 'NATIVE_UNAVAILABLE')
  assert.match(message, /^backend 'native': .*EUPHORION_NATIVE/)
})

const typed = `
import { defineKernel } from '${kernels}'
interface Shape { readonly size: number }
const shape: Shape = { size: 2 }
export const typed = defineKernel('typed', {
  columns: { values: 'f32' },
  module: import.meta.url,
  run: ({ values }) => values.length * shape.size,
})`

test('a kernel in TypeScript runs in the pool, whoever lets Node read it', async (t) => {
  const run = `console.log(await typed.run({ values: new Float32Array(4) }))`
  const files = { 'typed.ts': typed }
  const main = `import { typed } from './typed.ts'\n${run}`
  assert.equal(await output(t, main, { files, node: ['--import', 'tsx'], entry: 'main.ts' }), 8)
  const other = `
import { defineKernel } from '${kernels}'
const module = new URL('./typed.ts', import.meta.url).href
const typed = defineKernel('typed', { columns: { values: 'f32' }, module, run: () => -1 })
${run}`
  assert.equal(await output(t, other, { files }), 8)
})

test('an app of the kernel’s module is not started in its threads', async (t) => {
  const module = (start: string) => `
import { App } from '${index}'
import { defineKernel } from '${kernels}'
export const kernel = defineKernel('k', { columns: {}, module: import.meta.url, run: () => 1 })
export const app = new App('a', { broker: 'embedded:./log', logLevel: 'silent' })
${start}`
  const main = `
import { isMainThread } from 'node:worker_threads'
import { app, kernel } from './app.mjs'
console.log(JSON.stringify(await kernel.run({}).catch(({ message }) => message)))
await app.stop()`
  const good = { 'app.mjs': module('await app.main(import.meta)') }
  assert.equal(await output(t, main, { files: good }), 1)
  const starts = { 'app.mjs': module('await app.start()') }
  assert.match(String(await output(t, main, { files: starts })), /use app\.main\(import\.meta\)/)
})

test('a built-in kernel inside a kernel runs in its thread, with the same settings', async (t) => {
  const module = `
import { defineKernel, kernelPool, mandelbrot } from '${kernels}'
import { kernelSettings } from '${options}'
const shape = { nx: 200, ny: 200, iterations: 200 }
export const kernel = defineKernel('k', {
  columns: {}, module: import.meta.url, run: async () => {
    const counts = await mandelbrot(shape, { backend: 'wasm' })
    const { memoryMib, timeoutMs } = kernelSettings()
    const { threads } = kernelPool().stats()
    return { counts, memoryMib, timeoutMs, threads }
  } })
export const here = () => mandelbrot(shape, { backend: 'wasm' })`
  const main = `
import { deepEqual } from 'node:assert/strict'
import { configureKernels } from '${kernels}'
import { kernel, here } from './kernel.mjs'
configureKernels({ memoryMib: 48, timeoutMs: '9s' })
const { counts, ...settings } = await kernel.run({})
deepEqual(counts, await here())
console.log(JSON.stringify(settings))`
  const settings = { memoryMib: 48, timeoutMs: 9000, threads: 0 }
  assert.deepEqual(await output(t, main, { files: { 'kernel.mjs': module } }), settings)
})
