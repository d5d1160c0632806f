// The core in C++ under the sanitizers for addresses and undefined behaviour.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hasCompiler, runCoreTest } from '../support/native_build.ts'
import { newDirectory } from '../support/program.ts'

const flags = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']

/** Compilers come without the sanitizers' libraries too. */
async function hasSanitizers(): Promise<boolean> {
  const directory = await newDirectory()
  const source = join(directory, 'empty.cc')
  writeFileSync(source, 'int main() { return 0; }\n')
  try {
    const compiler = process.env.CXX ?? 'c++'
    execFileSync(compiler, [source, ...flags, '-o', join(directory, 'empty')], { stdio: 'ignore' })
    execFileSync(join(directory, 'empty'))
    return true
  } catch {
    return false
  }
}

if (!hasCompiler || !(await hasSanitizers()))
  console.log('The run of native/core under sanitizers is left out: the compiler has none.')
else {
  for (let round = 1; round <= 3; round++)
    test(`the core reads and writes where it may, round ${round}`, async (t) => {
      const seed = (Date.now() * round) % 2 ** 32
      const said = await runCoreTest(await newDirectory(), flags, seed)
      t.diagnostic(said.split('\n')[0])
      assert.match(said, /^0 failures$/m)
    })
}
