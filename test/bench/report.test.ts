// What is made of the figures of a bench: numbers, tables, the plot, the place in a document.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { barPlot } from '../../bench/report/bars.ts'
import { isRecorded, numberOption, readRows } from '../../bench/report/bench.ts'
import { replaceTable, resultsFile, root } from '../../bench/report/checkout.ts'
import { documentTables } from '../../bench/report/documents.ts'
import {
  type Figure,
  type FigureRow,
  type FigureSpec,
  figureOf,
  grouped,
  showNumber,
} from '../../bench/report/figure.ts'
import { figuresMarkdown, figuresText } from '../../bench/report/tables.ts'

const spec: FigureSpec = {
  ...{ group: 'JSON', case: 'kernel', unit: 'ns/record', better: 'less' },
  samples: [80, 70.123456, 90, 75],
}
const made = {
  ...{ bench: 'micro', seed: 7, date: '2026-01-31', cpu: '2 × CPU', node: '20.0.0' },
  euphorion: '0.1.0',
}
const rowOf = (figure: FigureSpec): FigureRow => ({ ...figureOf(figure), ...made })

test('a figure is the least, the median and the most of its samples, in four digits', () => {
  const { min, median, max, samples, facts } = figureOf({
    ...spec,
    facts: { records: 2000, threads: undefined, codec: 'lz4' },
  })
  assert.deepEqual([min, median, max, samples], [70.12, 77.5, 90, 4])
  assert.deepEqual(facts, { records: 2000, codec: 'lz4' })
  const rate = figureOf({ ...spec, samples: [6_123_456] })
  assert.deepEqual([rate.min, rate.median, rate.max], [6_123_000, 6_123_000, 6_123_000])
})

test('a figure without a sample, or of something that is no number, is refused', () => {
  assert.throws(() => figureOf({ ...spec, samples: [] }), /JSON, kernel/)
  assert.throws(() => figureOf({ ...spec, samples: [1, Number.NaN] }), /JSON, kernel/)
})

test('numbers have three digits, or all of those before the point', () => {
  const shown = [4_560_123, 1000, 999.6, 12.345, 0.045678, 0].map(showNumber)
  assert.deepEqual(shown, ['4,560,123', '1,000', '1,000', '12.3', '0.0457', '0'])
})

test('groups come in the order of their first figure', () => {
  const figures = ['b', 'a', 'b'].map((group) => figureOf({ ...spec, group }))
  assert.deepEqual(
    grouped(figures).map((group) => group.map((figure) => figure.group)),
    [['b', 'b'], ['a']],
  )
})

test('a table for docs has a part for each group, facts in columns, and how to make it anew', () => {
  const markdown = figuresMarkdown(
    [
      rowOf({ ...spec, facts: { records: 2000 } }),
      rowOf({ ...spec, case: 'JSON.parse', samples: [560], facts: { by: 'V8 | Node' } }),
      rowOf({ ...spec, group: 'hash', unit: 'ns/key', samples: [5] }),
    ],
    'npm run bench:micro',
  )
  assert.equal(
    markdown,
    [
      '| JSON, ns/record | min | median | max | samples | records | by |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
      '| kernel | 70.1 | 77.5 | 90 | 4 | 2,000 |  |',
      '| JSON.parse | 560 | 560 | 560 | 1 |  | V8 \\| Node |',
      '',
      '| hash, ns/key | min | median | max | samples |',
      '| --- | ---: | ---: | ---: | ---: |',
      '| kernel | 5 | 5 | 5 | 1 |',
      '',
      'Seed 7, 2 × CPU, Node 20.0.0, Euphorion 0.1.0, 2026-01-31. `npm run bench:micro` measures it anew.',
      '',
    ].join('\n'),
  )
})

test('a table for a terminal has the same figures', () => {
  const text = figuresText([figureOf(spec)])
  assert.match(text, /^JSON, ns\/record\ncase +min +median +max +samples\n/)
  assert.match(text, /\nkernel +70\.1 +77\.5 +90 +4\n$/)
})

/** Widths of the bars, in order. */
function widthsOf(svg: string): number[] {
  return [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  )
}

const plotOf = (figures: readonly Figure[]) => barPlot('Bench <1>', 'Seed 7.', figures)

test('bars are as long as medians, with a line from the least to the most', () => {
  const figures = [10, 20, 40].map((median) =>
    figureOf({ ...spec, case: `${median} & more`, samples: [median - 5, median, median + 5] }),
  )
  const svg = plotOf(figures)
  const [ten, twenty, forty] = widthsOf(svg)
  assert.ok(Math.abs(twenty / ten - 2) < 0.02 && Math.abs(forty / ten - 4) < 0.02)
  const lines = [...svg.matchAll(/<path d="M([\d.]+) \d+H([\d.]+)"/g)]
  const spans = lines.map(([, from, to]) => Number(to) - Number(from))
  assert.equal(spans.length, 3)
  for (const span of spans) assert.ok(Math.abs(span - ten) < 1, `${spans} of ${ten}`)
  assert.match(svg, /Bench &lt;1&gt;/)
  assert.match(svg, />10 &amp; more<\/text>/)
  assert.match(svg, />JSON, ns\/record<\/text>/)
  assert.doesNotMatch(svg, /logarithmic|NaN|Infinity/)
})

test('one bad sample does not bend the scale: its line ends with an arrow', () => {
  const figures = [10, 20].map((median) =>
    figureOf({
      ...spec,
      case: String(median),
      samples: [median, median, median === 10 ? 900 : 21],
    }),
  )
  const svg = plotOf(figures)
  const [ten, twenty] = widthsOf(svg)
  assert.ok(Math.abs(twenty / ten - 2) < 0.02 && twenty > 300, `${ten}, ${twenty}`)
  const paths = [...svg.matchAll(/<path d="([^"]+)"/g)].map(([, path]) => path)
  assert.deepEqual(
    paths.map((path) => path.includes('l4 3')),
    [true, false],
  )
})

test('a wide group has a logarithmic scale that says where it begins', () => {
  const figures = [0.5, 50, 5000].map((median) =>
    figureOf({ ...spec, case: String(median), samples: [median] }),
  )
  const svg = plotOf(figures)
  const [half, fifty, most] = widthsOf(svg)
  assert.match(svg, /JSON, ns\/record \(logarithmic, from 0\.1\)/)
  assert.ok(Math.abs(fifty - half - (most - fifty)) < 1, `${half}, ${fifty}, ${most}`)
  assert.doesNotMatch(svg, /<path/)
})

test('each group has its own scale', () => {
  const svg = plotOf([
    figureOf({ ...spec, samples: [3] }),
    figureOf({ ...spec, group: 'rates', unit: 'events/s', better: 'more', samples: [3_000_000] }),
  ])
  const [first, second] = widthsOf(svg)
  assert.equal(first, second)
})

test('only whole runs are recorded', () => {
  const program = { unrecorded: ['only'] }
  assert.equal(isRecorded(program, {}), true)
  assert.equal(isRecorded(program, { seed: '2' }), true)
  assert.equal(isRecorded(program, { only: 'json' }), false)
  assert.equal(isRecorded(program, { smoke: true }), false)
  assert.equal(isRecorded({}, { only: 'json' }), true)
})

test('an option of a bench is a number above 0', () => {
  assert.equal(numberOption({ values: { rounds: '3' } }, 'rounds', 5), 3)
  assert.equal(numberOption({ values: {} }, 'rounds', 5), 5)
  assert.equal(numberOption({ values: { events: '20_000' } }, 'events', 5), 20_000)
  assert.equal(numberOption({ values: { seconds: '0.3' } }, 'seconds', 5), 0.3)
  for (const rounds of ['0', '-1', '1.5', 'many', ''])
    assert.throws(() => numberOption({ values: { rounds } }, 'rounds', 5), /^Error: --rounds/)
})

test('who asks wrongly is told without a stack', async () => {
  const micro = join(import.meta.dirname, '../../bench/micro/micro.js')
  for (const [words, said] of [
    [['--only', 'jsn'], /^--only jsn: there are wire, .+\nnpm run bench:micro -- --help/],
    [['--smok'], /^Unknown option '--smok'/],
    [['--seed', 'x'], /^--seed x: a whole number above 0 is expected\n/],
  ] as const)
    await assert.rejects(promisify(execFile)(process.execPath, [micro, ...words]), (error) => {
      const { code, stderr } = error as { code?: unknown; stderr?: string }
      assert.equal(code, 2)
      assert.match(stderr ?? '', said)
      assert.doesNotMatch(stderr ?? '', /\n {4}at /)
      return true
    })
})

test('a table replaces what stands between its markers, and nothing else', () => {
  const text = 'before\n<!-- bench a -->\nold\n<!-- end of bench a -->\nafter\n'
  const replaced = 'before\n<!-- bench a -->\nnew\n<!-- end of bench a -->\nafter\n'
  assert.equal(replaceTable(text, 'bench a', 'new\n'), replaced)
  assert.equal(replaceTable(replaced, 'bench a', 'new\n'), replaced)
  assert.throws(
    () => replaceTable(text, 'bench b', 'new\n'),
    /there are no markers <!-- bench b -->/,
  )
})

test('the tables of the documents are those of the runs that were recorded', () => {
  const text = readFileSync(join(root, 'docs/benchmarks.md'), 'utf8')
  for (const [, name] of text.matchAll(/^<!-- bench (\w+) -->$/gm)) {
    const isRecorded = existsSync(resultsFile(name))
    const isThere = !text.includes(`<!-- bench ${name} -->\n<!-- end of`)
    assert.equal(isThere, isRecorded, name)
    if (!isRecorded) continue
    for (const { path, table } of documentTables(name, readRows(name), `npm run bench:${name}`)) {
      const document = readFileSync(join(root, path), 'utf8')
      assert.ok(replaceTable(document, `bench ${name}`, table) === document, `${name}, ${path}`)
    }
    assert.ok(existsSync(resultsFile(name, 'svg')), `${name}.svg`)
  }
})
