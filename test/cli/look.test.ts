// Commands that look at what an app declares, without running it: agents, tables, models, topology.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { closest } from '../../src/cli/closest.ts'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

const shop = join(import.meta.dirname, '../support/shop_app.js')

async function look(t: TestContext, words: string) {
  const cwd = await newDirectory()
  const ended = await runNode(t, [euphorion, ...words.split(' '), '-A', shop], { cwd })
  return { ...ended, cwd }
}

async function lines(t: TestContext, words: string): Promise<unknown[]> {
  const { code, out, err } = await look(t, `${words} --json`)
  assert.equal(code, 0, err)
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('looking at an app', { timeout: 120_000 }, () => {
  test('agents: what they read, and how', async (t) => {
    assert.deepEqual(await lines(t, 'agents'), [
      { agent: 'mailer', topic: 'orders', key: 'text', value: 'Order', concurrency: 2, sinks: 1 },
      { agent: 'post', topic: 'mails', key: 'raw', value: 'json', concurrency: 1, sinks: 0 },
    ])
  })

  test('tables: those of agents, and of aggregations with their windows', async (t) => {
    assert.deepEqual(await lines(t, 'tables'), [
      { table: 'stock', kind: 'of agents' },
      { table: 'per-minute', kind: 'aggregation', from: 'orders', window: '1 m, grace 5 s' },
    ])
  })

  test('models: the records of topics and those inside them, and the fields of one', async (t) => {
    assert.deepEqual(await lines(t, 'models'), [
      { model: 'Order', fields: 5, topics: 'orders' },
      { model: 'Item', fields: 2, topics: '' },
    ])
    assert.deepEqual(await lines(t, 'models Order'), [
      { field: 'id', type: 'string' },
      { field: 'items', type: 'array of Item' },
      { field: 'note', type: 'string, optional' },
      { field: 'state', type: '"new" | "paid"' },
      { field: 'at', type: 'timestamp' },
    ])
    const { code, err } = await look(t, 'models Ordr')
    assert.equal(code, 2)
    assert.match(err, /no record Ordr; did you mean Order\?/)
  })

  test('topology as text', async (t) => {
    const { code, out } = await look(t, 'topology')
    assert.equal(code, 0)
    const drawn = `orders of Order
├─▶ agent mailer, concurrency 2
│   └─ yields ▶ mails
└─▶ aggregation per-minute, tumbling 1 m
    ├─ changes ▶ totals
    └─ late ▶ late-orders
mails
└─▶ agent post
table stock
timer restock, every 5 s
`
    assert.equal(out, drawn)
  })

  test('topology as Mermaid: a node for each part, an arrow for each way', async (t) => {
    const { out } = await look(t, 'topology --format mermaid')
    assert.match(out, /^flowchart LR\n/)
    assert.match(out, /n0\(\["orders<br>of Order"\]\)/)
    assert.match(out, / -->\|changes\| /)
    assert.equal(out.match(/-->/g)?.length, 6)
  })

  test('topology as SVG, to a file that its name makes a picture', async (t) => {
    const { code, cwd } = await look(t, 'topology -o shop.svg')
    assert.equal(code, 0)
    const svg = readFileSync(join(cwd, 'shop.svg'), 'utf8')
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+"/)
    for (const name of ['orders', 'mailer', 'per-minute', 'stock', 'restock', 'late-orders'])
      assert(svg.includes(`>${name}</text>`), name)
    assert.equal(svg.match(/marker-end/g)?.length, 6)
  })

  test('an app is needed', async (t) => {
    const cwd = await newDirectory()
    const { code, err } = await runNode(t, [euphorion, 'topology'], { cwd })
    assert.equal(code, 2)
    assert.match(err, /topology needs an app: -A FILE/)
  })
})

test('a name that was nearly right is found, others are not', () => {
  const known = ['Order', 'Item', 'Customer']
  assert.equal(closest('order', known), 'Order')
  assert.equal(closest('Custmer', known), 'Customer')
  assert.equal(closest('Payment', known), undefined)
})
