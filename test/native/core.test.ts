// The core in C++, tested by itself: native/test is compiled with the machine's compiler and run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCompiler, runCoreTest } from '../support/native_build.ts'
import { newDirectory } from '../support/program.ts'

if (!hasCompiler) console.log('Tests of native/core are left out: there is no C++ compiler.')
else {
  test('every instruction set computes what the plain loops do', async (t) => {
    const seed = Date.now() % 2 ** 32
    const said = await runCoreTest(await newDirectory(), [], seed)
    t.diagnostic(said.split('\n')[0])
    assert.match(said, /^0 failures$/m)
  })
}
