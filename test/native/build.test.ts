// Building the addon, or not: on machines without a compiler, with one that fails, and anew.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildNative, hasCompiler } from '../support/native_build.ts'
import { newDirectory } from '../support/program.ts'

const nowhere = { PATH: '/nowhere' }

test('without a compiler an install goes on, and one line says why there is no addon', async () => {
  const out = await newDirectory()
  const { code, text } = await buildNative(['--if-possible', '--out', out], nowhere)
  assert.equal(code, 0)
  assert.match(text, /^The native addon is not built: there is no C\+\+ compiler \(.+\)\. .+\n$/)
  assert.ok(!existsSync(join(out, 'euphorion.node')))
})

test('what is built on request fails loudly', async () => {
  const { code, text } = await buildNative(['--out', await newDirectory()], nowhere)
  assert.equal(code, 1)
  assert.match(text, /^build:native: there is no C\+\+ compiler \(none of c\+\+, g\+\+, clang\+\+/)
})

test('a compiler that $CXX names and that is not there is not replaced by another', async () => {
  const environment = { CXX: 'no-such-compiler' }
  const { code, text } = await buildNative(['--out', await newDirectory()], environment)
  assert.equal(code, 1)
  assert.match(text, /\(CXX=no-such-compiler does not run\)/)
})

test('a compiler that fails is told with its log, and leaves no older addon behind', async () => {
  const out = await newDirectory()
  const failing = join(out, 'failing.mjs')
  const isAsked = "process.argv.includes('--version')"
  writeFileSync(failing, `console.log('such and such'); process.exit(${isAsked} ? 0 : 1)`)
  writeFileSync(join(out, 'euphorion.node'), 'of older sources')
  const environment = { CXX: `${process.execPath} ${failing}` }
  const { code, text } = await buildNative(['--if-possible', '--out', out], environment)
  assert.equal(code, 0)
  assert.match(text, /^The native addon is not built: .+ failed on native\S+ \(see \S+\)\. .+\n$/)
  assert.ok(existsSync(join(out, 'build.log')))
  assert.ok(!existsSync(join(out, 'euphorion.node')))
})

test('EUPHORION_NATIVE=0 builds nothing and says nothing', async () => {
  const out = join(await newDirectory(), 'out')
  const environment = { EUPHORION_NATIVE: '0' }
  const built = await buildNative(['--if-possible', '--out', out], environment)
  assert.deepEqual(built, { code: 0, text: '' })
  assert.ok(!existsSync(out))
})

if (!hasCompiler) console.log('A test of building is left out: there is no C++ compiler.')
else {
  test('what has not changed is not compiled again', async () => {
    const out = await newDirectory()
    const addon = join(out, 'euphorion.node')
    mkdirSync(join(out, 'objects'))
    writeFileSync(join(out, 'objects', 'core-old.0123456789abcdef.o'), '')
    const first = await buildNative(['--out', out])
    assert.equal(first.code, 0, first.text)
    const { ino } = statSync(addon)
    await buildNative(['--if-possible', '--out', out])
    assert.equal(statSync(addon).ino, ino)
    assert.ok(!existsSync(join(out, 'objects', 'core-old.0123456789abcdef.o')))
  })
}
