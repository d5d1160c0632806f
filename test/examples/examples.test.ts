// Every example runs as its head says, against the embedded log and against Kafka.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { decode } from 'fast-png'
import { mandelbrot } from '../../src/kernels.ts'
import { until } from '../support/apps.ts'
import { freePorts } from '../support/free_ports.ts'
import { useKafka } from '../support/kafka.ts'
import {
  deleteTopics,
  euphorion,
  example,
  newDirectory,
  Program,
  runNode,
} from '../support/program.ts'

const kafka = await useKafka()
after(() => kafka?.stop())

const drivers: (readonly [string, string])[] = [['the embedded log', 'embedded:./data']]
if (kafka) drivers.push(['Kafka', `kafka://${kafka.brokers}`])

/** Interrupts the program as Ctrl+C does; it has to end well. */
async function interrupt(program: Program): Promise<void> {
  program.signal('SIGINT')
  const { code, err } = await program.ended
  assert.equal(code, 0, err)
}

for (const [name, broker] of drivers) {
  describe(`examples on ${name}`, { timeout: 240_000 }, () => {
    test('sample: producers send, the agent prints what they sent', async (t) => {
      const cwd = await newDirectory()
      const args = [example('sample'), 'worker', '--broker', broker]
      const program = Program.start(t, args, { cwd })
      await program.prints(/^Got producer 1: [01]\.\d+$/m)
      await program.prints(/^Got producer 2: [0-4]\.\d+$/m)
      await interrupt(program)
    })

    test('page_views: the busiest pages, printed and read from the table', async (t) => {
      const cwd = await newDirectory()
      await deleteTopics(t, broker, ['page-views', 'views-per-page'])
      const args = [example('page_views'), 'worker', '--broker', broker]
      const program = Program.start(t, args, { cwd })
      await program.prints(/^\/home: \d+ views since \S+Z, \d+\.\d ms$/m)
      const live = await readHome(t, cwd)
      assert.ok(live.length > 0 && live.length <= 7, `${live.length} windows of a minute each`)
      await interrupt(program)
      const stored = await readHome(t, cwd)
      assert.ok(stored[0].views >= live[0].views)
      assert.ok(stored.every((row) => row.end - row.start === 60_000 && row.start % 10_000 === 0))
      assert.ok(stored.every((row) => row.fastest >= 1 && row.slowest <= 100))
    })

    test('counts: the busiest pages, counted on after a restart', async (t) => {
      const cwd = await newDirectory()
      await deleteTopics(t, broker, ['visits', 'counts-counts-changelog'])
      const args = [example('counts'), 'worker', '--broker', broker]
      let before = 0
      for (const _ of ['first', 'again']) {
        const program = Program.start(t, args, { cwd })
        await program.prints(/^\/home: \d+ views$/m)
        await interrupt(program)
        const rows = await readCounts(t, cwd)
        assert.ok(rows.length <= 5 && rows.every(({ value }) => value > 0))
        const views = rows.reduce((sum, { value }) => sum + value, 0)
        assert.ok(views > before, `${views} views after ${before}`)
        before = views
      }
    })

    test('pages: whichever worker is asked, the one with the page answers', async (t) => {
      await deleteTopics(t, broker, ['page-visits', 'pages-counts-changelog'])
      const ports = await freePorts(broker.startsWith('kafka') ? 2 : 1)
      const programs = await Promise.all(
        ports.map(async (port) => {
          const cwd = await newDirectory()
          const args = [example('pages'), 'worker', '--broker', broker, '--web-port', `${port}`]
          return Program.start(t, args, { cwd })
        }),
      )
      for (const [index, port] of ports.entries()) {
        await programs[index].prints(/"worker started"/)
        for (const page of ['home', 'prices', 'docs']) {
          const url = `http://127.0.0.1:${port}/counts/${page}`
          const visits = await until(async () => {
            const answer = await fetch(url)
            return answer.ok ? ((await answer.json()) as { readonly visits: number }).visits : 0
          })
          assert.ok(visits > 0)
        }
        const ready = await fetch(`http://127.0.0.1:${port}/health/ready`)
        assert.equal(ready.status, 200)
      }
      for (const program of programs) await interrupt(program)
    })

    test('ask_reply: orders are priced by an agent that is asked', async (t) => {
      const cwd = await newDirectory()
      await deleteTopics(t, broker, ['ask-reply-price'])
      const args = [example('ask_reply'), 'worker', '--broker', broker]
      const program = Program.start(t, args, { cwd })
      await program.prints(/^3 tea: 10\.5$/m)
      await program.prints(/^2 of each: 7 \+ 8 \+ 10\.5$/m)
      await interrupt(program)
    })

    test('clicks: of the last hour and of the last day', async (t) => {
      const cwd = await newDirectory()
      const changelogs = ['hour', 'day'].map((each) => `clicks-clicks-of-the-${each}-changelog`)
      await deleteTopics(t, broker, ['clicks', ...changelogs])
      const args = [example('clicks'), 'worker', '--broker', broker]
      const program = Program.start(t, args, { cwd })
      const line = /^\S+Z \/buy: (\d+) in an hour, (\d+) in a day$/m
      const [, hour, day] = await program.prints(line)
      // a click each minute and a half, of three links
      assert.ok(Number(hour) > 0 && Number(hour) <= 41, hour)
      assert.ok(Number(hour) <= Number(day) && Number(day) <= 961, day)
      await interrupt(program)
    })

    test('orders: typed records, added up without rounding', async (t) => {
      const cwd = await newDirectory()
      await deleteTopics(t, broker, ['orders', 'orders-spent-changelog', 'orders-dead-letter'])
      const args = [example('orders'), 'worker', '--broker', broker]
      const program = Program.start(t, args, { cwd })
      await program.prints(/^order 1 of ann \(FR\): 3\.50, in all 3\.50$/m)
      await program.prints(/^order 4 of ann \(FR\): 14\.00, in all 17\.50$/m)
      await interrupt(program)
    })

    test('probes: means of several producers, and an alarm', async (t) => {
      const cwd = await newDirectory()
      await deleteTopics(t, broker, ['readings', 'probes-by-probe-changelog'])
      const args = [example('probes'), 'worker', '--broker', broker]
      const program = Program.start(t, args, { cwd })
      await program.prints(/^oven is hot: 3\d\.\d °C$|^oven is hot: 29\.\d °C$/m)
      for (const [probe, tens] of [
        ['cellar', '[89]|1[012]'],
        ['roof', '1[89]|2[012]'],
        ['oven', '2[89]|3[012]'],
      ])
        await program.prints(new RegExp(`^${probe}: (${tens})\\.\\d °C of \\d+$`, 'm'))
      await interrupt(program)
    })

    test('group_by: sums by country, by as many workers as there are', async (t) => {
      const topics = ['purchases', 'group-by-by-country-changelog']
      await deleteTopics(t, broker, [
        ...topics,
        'group-by-addUp-purchases-Purchase.country-repartition',
      ])
      const workers = broker.startsWith('kafka') ? 2 : 1
      const programs = await Promise.all(
        Array.from({ length: workers }, async () => {
          const cwd = await newDirectory()
          return Program.start(t, [example('group_by'), 'worker', '--broker', broker], { cwd })
        }),
      )
      // each worker sends its hundred purchases
      const [de, fr, us] = [1683, 1617, 1650].map((sum) => sum * workers)
      for (const program of programs)
        await program.prints(new RegExp(`^DE ${de}, FR ${fr}, US ${us}$`, 'm'))
      for (const program of programs) await interrupt(program)
    })

    test('leader: one worker beats; another goes on when it stops', async (t) => {
      await deleteTopics(t, broker, ['beats', 'leader-leader'])
      const isKafka = broker.startsWith('kafka')
      const start = async () =>
        Program.start(t, [example('leader'), 'worker', '--broker', broker], {
          cwd: await newDirectory(),
        })
      const first = await start()
      const [, pid] = await first.prints(/^worker (\d+) leads$/m)
      await first.prints(new RegExp(`^a beat of worker ${pid}$`, 'm'))
      const second = isKafka ? await start() : undefined
      await second?.prints(/"worker started"/)
      await interrupt(first)
      assert.match((await first.ended).out, new RegExp(`^worker ${pid} leads no more$`, 'm'))
      if (second === undefined) return
      const [, other] = await second.prints(/^worker (\d+) leads$/m)
      assert.notEqual(other, pid)
      await second.prints(new RegExp(`^a beat of worker ${other}$`, 'm'))
      await interrupt(second)
    })

    test('fastify: orders are taken, and counted in the same process', async (t) => {
      const cwd = await newDirectory()
      await deleteTopics(t, broker, ['shop-orders', 'shop-sold-changelog'])
      const env = { EUPHORION_BROKER: broker }
      const program = Program.start(t, [example('fastify')], { cwd, env })
      const [, address] = await program.prints(/^shop at (http:\S+)$/m)
      for (let count = 0; count < 3; count++) {
        const { status } = await fetch(`${address}/orders/tea`, { method: 'POST' })
        assert.equal(status, 201)
      }
      const sold = await until(async () => {
        const { sold } = (await (await fetch(`${address}/orders/tea`)).json()) as { sold: number }
        return sold === 3 ? sold : 0
      })
      assert.equal(sold, 3)
      await interrupt(program)
    })

    test('tiles: ends by itself with the picture, whose pixels are in the table', async (t) => {
      const cwd = await newDirectory()
      await deleteTopics(t, broker, ['tiles', 'tile-pixels'])
      const args = [example('tiles'), 'worker', '--broker', broker]
      const { code, err, out } = await Program.start(t, args, { cwd }).ended
      assert.equal(code, 0, err)
      assert.match(out, /^76800 of 76800 pixels\ntiles\.png\n/m)
      const picture = decode(readFileSync(join(cwd, 'tiles.png')))
      assert.deepEqual([picture.width, picture.height, picture.channels], [320, 240, 1])
      const counts = await readPixels(t, cwd)
      for (let left = 0; left < 320; left += 80)
        for (let bottom = 0; bottom < 240; bottom += 80)
          await checkTile(left, bottom, counts, picture.data)
    })
  })
}

async function readCounts(t: TestContext, cwd: string): Promise<{ key: string; value: number }[]> {
  const args = [euphorion, 'table', 'counts', '--format', 'jsonl', '-A', example('counts')]
  const { code, out, err } = await runNode(t, args, { cwd })
  assert.equal(code, 0, err)
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Counts by x * 240 + y. */
async function readPixels(t: TestContext, cwd: string): Promise<Int32Array> {
  const args = [euphorion, 'table', 'pixels', '--format', 'jsonl', '-A', example('tiles')]
  const { code, out, err } = await runNode(t, args, { cwd })
  assert.equal(code, 0, err)
  const counts = new Int32Array(320 * 240).fill(-1)
  for (const line of out.trimEnd().split('\n')) {
    const { key, count } = JSON.parse(line) as { key: { x: number; y: number }; count: number }
    counts[key.x * 240 + key.y] = count
  }
  return counts
}

/** The tile is what mandelbrot() gives for its part of the region, in the table and the picture. */
async function checkTile(
  left: number,
  bottom: number,
  counts: Int32Array,
  picture: ArrayLike<number>,
): Promise<void> {
  const xFrom = -2.5 + left * (3 / 319)
  const yFrom = -1.125 + bottom * (2.25 / 239)
  const region = { xFrom, xTo: xFrom + 79 * (3 / 319), yFrom, yTo: yFrom + 79 * (2.25 / 239) }
  const expected = await mandelbrot({ nx: 80, ny: 80, iterations: 500, region }, { backend: 'js' })
  expected.forEach((count, i) => {
    const [x, y] = [left + Math.floor(i / 80), bottom + (i % 80)]
    assert.equal(counts[x * 240 + y], count, `pixel ${x}, ${y}`)
    const grey = count === 500 ? 0 : Math.floor(255 * (1 - Math.log1p(count) / Math.log1p(500)))
    assert.equal(picture[(239 - y) * 320 + x], grey)
  })
}

interface HomeRow {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly views: number
  readonly total: number
  readonly fastest: number
  readonly slowest: number
}

async function readHome(t: TestContext, cwd: string): Promise<HomeRow[]> {
  const args = [euphorion, 'table', 'views-per-page', '--key', '/home', '--format', 'jsonl']
  const { code, out, err } = await runNode(t, [...args, '-A', example('page_views')], { cwd })
  assert.equal(code, 0, err)
  const rows = out.trimEnd().split('\n')
  return rows.map((line) => JSON.parse(line) as HomeRow)
}

test('ewma: a kernel is compiled, cached, and smooths', { timeout: 240_000 }, async (t) => {
  const cwd = await newDirectory()
  const options = { cwd, env: { EUPHORION_CACHE_DIR: join(cwd, 'cache') } }
  for (const program of [example('ewma'), example('ewma')]) {
    const { code, out, err } = await runNode(t, [program], options)
    assert.equal(code, 0, err)
    const [, before, after] = /^readings: (.*) off .*\nsmoothed: (.*) off .*\n$/.exec(out) ?? []
    assert.ok(Number(after) < Number(before) / 3, out)
  }
  assert.equal(readdirSync(join(cwd, 'cache/kernels')).length, 1)
})

test('a TypeScript example runs from its source, through `euphorion worker`', async (t) => {
  const cwd = await newDirectory()
  const source = join(import.meta.dirname, '../../../examples/sample.ts')
  const args = [euphorion, 'worker', '-A', source, '--broker', 'embedded:./data']
  const program = Program.start(t, args, { cwd })
  await program.prints(/^Got producer 1: [01]\.\d+$/m)
  await interrupt(program)
})

test('every example opens with how to run it', () => {
  const folder = join(import.meta.dirname, '../../../examples')
  const files = readdirSync(folder).filter((each) => /^[^.]+\.ts$/.test(each))
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8')
    const head = text.split('import ')[0]
    const isApp = text.includes('app.main(')
    const run = isApp ? 'npx euphorion worker -A' : 'npx tsx'
    assert.match(head, new RegExp(`^//   ${run} ${file}`, 'm'), file)
    const compiled = `node dist/examples/${file.replace('.ts', '.js')}${isApp ? ' worker' : ''}`
    assert.ok(head.includes(compiled), file)
  }
})
