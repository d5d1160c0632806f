// The package for this platform as npm would place it: the loader finds its addon where there is no
// local build, and passes over one that is damaged.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { hasCompiler } from '../support/native_build.ts'
import { newDirectory, runNode } from '../support/program.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../../..')

const tell = `
import { nativeAddon, whyNoNative } from './node_modules/euphorion/dist/src/kernel/native.js'
console.log(nativeAddon()?.crc32c(Buffer.from('123456789')).toString(16), whyNoNative())
`

/** A project with the loader where the library has it, and the unpacked tarball of the addon. */
async function project(tarball: string): Promise<{ directory: string; addon: string }> {
  const directory = await newDirectory()
  const loader = 'node_modules/euphorion/dist/src/kernel/native.js'
  cpSync(join(root, 'dist/src/kernel/native.js'), join(directory, loader))
  writeFileSync(join(directory, 'node_modules/euphorion/package.json'), '{ "type": "module" }')
  writeFileSync(join(directory, 'tell.mjs'), tell)
  const name = /euphorion-(native-\w+-\w+)-/.exec(tarball)?.[1] ?? assert.fail(tarball)
  const unpacked = join(directory, 'node_modules/@euphorion', name)
  mkdirSync(unpacked, { recursive: true })
  await execute('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1'])
  return { directory, addon: join(unpacked, 'euphorion.node') }
}

async function told(t: TestContext, directory: string): Promise<string> {
  const { out, err } = await runNode(t, ['tell.mjs'], { cwd: directory })
  assert.equal(err, '')
  return out.trim()
}

if (!hasCompiler) console.log('Tests of the platform package are left out: no C++ compiler.')
else {
  test('the package of this platform holds an addon that the loader takes', async (t) => {
    const out = await newDirectory()
    await execute(process.execPath, ['scripts/prebuild.js', '--out', out], { cwd: root })
    const tarball = readdirSync(out).find((name) => name.endsWith('.tgz')) ?? assert.fail()
    const { directory, addon } = await project(join(out, tarball))
    const manifest = JSON.parse(readFileSync(join(addon, '../package.json'), 'utf8'))
    assert.deepEqual([manifest.os, manifest.cpu], [[process.platform], [process.arch]])
    assert.equal(manifest.scripts, undefined)
    assert.equal(await told(t, directory), 'e3069283')

    writeFileSync(addon, 'no shared library')
    const why = await told(t, directory)
    assert.match(why, /^undefined local build: not there; package @euphorion\/native-\S+: \S/)
  })
}
