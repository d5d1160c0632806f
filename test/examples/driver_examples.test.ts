// The examples' own tests run, and docs/testing.md shows one of them as it is.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newDirectory, runNode } from '../support/program.ts'

const root = join(import.meta.dirname, '../../..')
const names = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.test.ts'))

for (const name of names)
  test(`${name} passes`, async (t) => {
    const built = join(root, 'dist/examples', name.replace(/ts$/, 'js'))
    const { code, out } = await runNode(t, ['--test', built], { cwd: await newDirectory() })
    assert.equal(code, 0, out)
  })

test('docs/testing.md shows the test of the page views', () => {
  const shown = readFileSync(join(root, 'docs/testing.md'), 'utf8')
  const [, ...lines] = readFileSync(join(root, 'examples/page_views.test.ts'), 'utf8').split('\n')
  assert.ok(shown.includes(`\`\`\`ts\n${lines.join('\n')}\`\`\`\n`))
})
