// `euphorion new`: what it makes is checked by the compiler, passes its own test, and runs.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { euphorion, newDirectory, Program, runNode } from '../support/program.ts'
import { repositoryRoot } from '../support/repository.ts'

test('a new app compiles, passes its test, and runs', { timeout: 240_000 }, async (t) => {
  const parent = await newDirectory()
  const { code, out } = await runNode(t, [euphorion, 'new', 'Page Views'], { cwd: parent })
  assert.equal(code, 0)
  assert.match(out, /^page-views is in Page Views\. Next:/)
  const cwd = join(parent, 'Page Views')
  const { name, scripts } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
  assert.equal(name, 'page-views')
  assert.match(readFileSync(join(cwd, 'app.ts'), 'utf8'), /new App\('page-views'/)

  // as npm install would put them there
  const modules = join(cwd, 'node_modules')
  mkdirSync(join(modules, '@types'), { recursive: true })
  symlinkSync(repositoryRoot, join(modules, 'euphorion'))
  for (const each of ['tsx', 'typescript', '@types/node'])
    symlinkSync(join(repositoryRoot, 'node_modules', each), join(modules, each))

  execFileSync(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', '.'], { cwd })
  assert.equal(scripts.test, 'node --import tsx --test test/*.test.ts')
  const tested = await runNode(t, ['--import', 'tsx', '--test', 'test/app.test.ts'], { cwd })
  assert.equal(tested.code, 0, tested.out + tested.err)
  const worker = Program.start(t, [euphorion, 'worker', '-A', 'app.ts'], { cwd })
  await worker.prints(/^\/: \d+ visits$/m)
  worker.signal('SIGINT')
  assert.equal((await worker.ended).code, 0)
})

test('a directory with something in it is left alone', async (t) => {
  const cwd = await newDirectory()
  mkdirSync(join(cwd, 'app/src'), { recursive: true })
  const { code, err } = await runNode(t, [euphorion, 'new', 'app'], { cwd })
  assert.equal(code, 2)
  assert.match(err, /app is not empty/)
})
