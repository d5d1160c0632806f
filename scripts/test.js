// Runs the unit, contract, crash and system tests.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const files = readdirSync('dist/test', { recursive: true })
  .map((file) => `dist/test/${file}`)
  .filter((file) => file.endsWith('.test.js'))
  .sort()
const done = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...files], {
  stdio: 'inherit',
})
process.exit(done.status ?? 1)
