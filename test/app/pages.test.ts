// Pages of a program: what they answer, by app.fetch() and by the worker's web server, and which
// worker answers for a key.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type TestContext, test } from 'node:test'
import { PageDeclarations } from '../../src/app/page_declarations.ts'
import { type PageRoute, servePages } from '../../src/app/pages.ts'
import { systemClock } from '../../src/clock.ts'
import { App, integer, readBody, record, string, WebError } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { freePorts } from '../support/free_ports.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const Visit = record('Visit', { url: string(), ms: integer() })

function paged(logger = new Lines()): App {
  const app = new App('paged', { broker: 'embedded:./nowhere', logger })
  app.page('/text', () => 'plain')
  app.page('/json', () => ({ big: 2n ** 60n, list: [1] }))
  app.page('/nothing', () => undefined)
  app.page('/own', () => new Response('own', { status: 201, headers: { 'x-own': '1' } }))
  app.page('/users/:id', {
    get: ({ req }) => ({ id: req.param('id'), q: req.query('q') }),
    put: async (context) => ({ ms: (await readBody(context, Visit)).ms + 1 }),
  })
  app.page('/missing', () => {
    throw new WebError(404, 'no such user', { id: 7 })
  })
  app.page('/broken', async () => {
    throw new Error('a secret of the program')
  })
  return app
}

interface Answer {
  readonly status: number
  readonly type?: string
  readonly body: unknown
}

const asked: [method: string, path: string, body: string | undefined, answer: Answer][] = [
  ['GET', '/text', undefined, { status: 200, type: 'text/plain;charset=UTF-8', body: 'plain' }],
  ['GET', '/json', undefined, { status: 200, body: { big: '1152921504606846976', list: [1] } }],
  ['GET', '/nothing', undefined, { status: 204, body: '' }],
  ['GET', '/own', undefined, { status: 201, body: 'own' }],
  ['GET', '/users/7?q=x', undefined, { status: 200, body: { id: '7', q: 'x' } }],
  ['PUT', '/users/7', '{"url":"/","ms":3}', { status: 200, body: { ms: 4 } }],
  ['HEAD', '/text', undefined, { status: 200, body: '' }],
  ['POST', '/text', undefined, { status: 405, body: { error: 'POST is none of GET' } }],
  ['DELETE', '/users/7', undefined, { status: 405, body: { error: 'DELETE is none of GET, PUT' } }],
  ['GET', '/elsewhere', undefined, { status: 404, body: { error: 'there is no such page' } }],
  ['GET', '/missing', undefined, { status: 404, body: { error: 'no such user', id: 7 } }],
  ['GET', '/broken', undefined, { status: 500, body: { error: 'the page failed' } }],
]

test('a page answers what its handler returns or throws, and 405 to other methods', async () => {
  const logger = new Lines()
  const app = paged(logger)
  for (const [method, path, body, wanted] of asked) {
    const request = new Request(`http://localhost${path}`, { method, ...(body && { body }) })
    const answer = await app.fetch(request)
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.startsWith('application/json')
    const found = { status: answer.status, body: isJson ? JSON.parse(text) : text }
    assert.deepEqual(found, { status: wanted.status, body: wanted.body }, `${method} ${path}`)
    if (wanted.type !== undefined) assert.equal(answer.headers.get('content-type'), wanted.type)
  }
})

test('a body that does not decode is answered with 400', async () => {
  const app = paged()
  for (const body of ['no json', '{"url":"/"}', '{"url":"/","ms":"x"}']) {
    const request = new Request('http://localhost/users/1', { method: 'PUT', body })
    const answer = await app.fetch(request)
    assert.equal(answer.status, 400, body)
    assert.match(await answer.text(), /the body does not fit/)
  }
})

test('a body beyond webBodyBytes is answered with 413', async () => {
  const app = new App('small', { broker: 'embedded:./nowhere', webBodyBytes: 1024 })
  app.page('/', { post: ({ req }) => req.text() })
  const request = new Request('http://localhost/', { method: 'POST', body: 'x'.repeat(2000) })
  assert.equal((await app.fetch(request)).status, 413)
})

test('paths that are taken, or are none, are refused', () => {
  const app = paged()
  for (const path of ['/text', 'text', '/tables', '/tables/x', '/health/live', '/euphorion/reads'])
    assert.throws(() => app.page(path, () => ''), { code: 'APP_INVALID' }, path)
  assert.throws(() => app.page('/none', {}), { code: 'APP_INVALID' })
})

test('the page of a key is answered here, sent on, or 503 while nobody has it', async (t) => {
  const seen: string[] = []
  const address = await other(t, (method, url, body, headers) => {
    seen.push(`${method} ${url} ${body} ${headers['x-mine']}`)
    return { status: 207, headers: { 'x-theirs': '2' }, body: 'theirs' }
  })
  const places: Record<string, PageRoute> = { own: 'here', other: [address], moving: 'unknown' }
  const declared = new PageDeclarations()
  const route = { table: 'counts', key: 'url' }
  declared.add('/counts/:url', { get: () => 'ours', post: () => 'ours' }, route)
  const answer = servePages({
    pages: declared.pages,
    bodyBytesMax: 1024,
    logger: () => undefined,
    route: (table, key) => (table === 'counts' ? places[key] : 'unknown'),
    proxy: { timeoutMs: 5000, clock: systemClock },
  })
  const ask = (path: string, init?: RequestInit) => answer(new Request(`http://me${path}`, init))
  assert.equal(await (await ask('/counts/own')).text(), 'ours')
  const init = { method: 'POST', body: 'hello', headers: { 'x-mine': '1' } }
  const theirs = await ask('/counts/other?a=b', init)
  assert.deepEqual([theirs.status, theirs.headers.get('x-theirs')], [207, '2'])
  assert.equal(await theirs.text(), 'theirs')
  assert.deepEqual(seen, ['POST /counts/other?a=b hello 1'])
  assert.equal((await ask('/counts/moving')).status, 503)
  // sent on once only
  assert.equal((await ask('/counts/other', { headers: { 'x-euphorion-routed': '1' } })).status, 503)
})

test('a worker that does not answer for its key is a 503', async () => {
  const declared = new PageDeclarations()
  declared.add('/:url', () => 'ours', { table: 'counts', key: 'url' })
  const [port] = await freePorts(1)
  const answer = servePages({
    pages: declared.pages,
    bodyBytesMax: 1024,
    logger: () => undefined,
    route: () => [`127.0.0.1:${port}`],
    proxy: { timeoutMs: 5000, clock: systemClock },
  })
  assert.equal((await answer(new Request('http://me/x'))).status, 503)
})

test('a worker serves pages, how it is, and what a table has', { timeout }, async (t) => {
  const [webPort] = await freePorts(1)
  const app = newApp(t, await newDirectory(), { webPort })
  const visits = app.topic('visits', { key: string(), value: Visit, keyedBy: 'url' })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  app.agent(visits, async (stream) => {
    for await (const { url } of stream) await counts.update(url, (n) => n + 1)
  })
  app.tableRoute('/counts', { table: counts, key: 'url' }, async ({ req }) => ({
    url: req.query('url'),
    count: await counts.get(req.query('url')!),
  }))
  const ready: (boolean | number)[] = []
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${webPort}${path}`)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  app.on('partitionsAssigned', async () => ready.push((await ask('/health/ready')).status))
  app.on('partitionsAssigned', async () => ready.push((await ask('/health/live')).status))
  app.on('partitionsRevoked', async () => ready.push((await ask('/health/ready')).status))
  app.on('partitionsRevoked', async () => ready.push((await ask('/health/live')).status))
  app.on('partitionsRevoked', async () => ready.push((await ask('/counts?url=x')).status))
  await app.start()
  const health = { id: 'tested', status: 'running', ready: true, recovering: 0, stopped: [] }
  assert.deepEqual(await ask('/'), { status: 200, body: health })
  assert.deepEqual(await ask('/health/ready'), { status: 200, body: health })
  await visits.send({ value: { url: '/home', ms: 1 } })
  await until(async () => (await ask('/counts?url=/home')).body.count === 1)
  assert.deepEqual((await ask('/counts')).status, 400)
  assert.deepEqual((await ask('/tables')).body.tables, [{ name: 'counts' }])
  await app.stop()
  assert.deepEqual(ready, [503, 200, 503, 200, 503])
  assert.equal(app.health().status, 'stopped')
})

test('a partition that has stopped makes a worker unready', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory(), { topicPartitions: 2 })
  const numbers = app.topic<number>('numbers')
  app.agent(numbers, async (stream) => {
    for await (const _ of stream) throw new Error('on purpose')
  })
  await app.start()
  assert.equal(app.health().ready, true)
  await numbers.send({ value: 1, partition: 1 })
  await until(() => !app.health().ready)
  assert.deepEqual(app.health().stopped, ['numbers/1'])
})

async function other(
  t: TestContext,
  answer: (
    method: string,
    url: string,
    body: string,
    headers: Readonly<Record<string, unknown>>,
  ) => { status: number; headers: Record<string, string>; body: string },
): Promise<string> {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url = '', headers } = request
    const made = answer(method, url, Buffer.concat(chunks).toString(), headers)
    response.writeHead(made.status, made.headers).end(made.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  return `127.0.0.1:${port}`
}
