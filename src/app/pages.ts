// Serves a program's pages: app.fetch(), and through it the worker's web server. Loaded when the
// first request comes.
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Logger } from '../logger.ts'
import type { PageAnswer, PageDefinition } from './page_declarations.ts'
import { proxied, ROUTED_HEADER, type RouteRequest } from './page_proxy.ts'
import { webError } from './web_error.ts'

export interface PagesOptions {
  readonly pages: readonly PageDefinition[]
  /** Setting webBodyBytes. */
  readonly bodyBytesMax: number
  readonly logger: () => Logger | undefined
  /** Where the key of a table is answered. Throws where the table or the key is none. */
  readonly route: (table: string, key: string) => PageRoute
  readonly proxy: Omit<RouteRequest, 'address' | 'request'>
}

/** 'here', workers' addresses ('host:port'), or 'unknown' while it is on its way. */
export type PageRoute = 'here' | 'unknown' | readonly string[]

type Answerer = (request: Request, env?: object) => Promise<Response>

export function servePages(options: PagesOptions): Answerer {
  const app = new Hono()
  const { bodyBytesMax } = options
  const tooLarge = (context: Context) =>
    context.json({ error: `more than ${bodyBytesMax} bytes` }, 413)
  app.use(bodyLimit({ maxSize: bodyBytesMax, onError: tooLarge }))
  app.onError((error, context) => {
    const { status, message, facts } = webError(error)
    if (status === 500)
      options.logger()?.error({ path: context.req.path, err: error }, 'a page failed')
    return context.json({ error: message, ...facts }, status)
  })
  app.notFound((context) => context.json({ error: 'there is no such page' }, 404))
  for (const page of options.pages) addPage(app, page, options)
  // behind all handlers: another path may have the method
  for (const { path, methods } of options.pages) {
    const allowed = methodsOf(methods).map(([method]) => method)
    app.all(path, (context) => {
      context.header('allow', allowed.join(', '))
      return context.json({ error: `${context.req.method} is none of ${allowed.join(', ')}` }, 405)
    })
  }
  return async (request, env) => app.fetch(request, env)
}

function methodsOf(methods: PageDefinition['methods']) {
  return Object.entries(methods)
    .filter(([, handler]) => handler !== undefined)
    .map(([method, handler]) => [method.toUpperCase(), handler] as const)
}

function addPage(app: Hono, { path, methods, route }: PageDefinition, options: PagesOptions): void {
  for (const [method, handler] of methodsOf(methods)) {
    app.on(method, path, async (context) => {
      const elsewhere = route && (await answerElsewhere(context, route, options))
      return elsewhere ?? answerOf(context, await handler(context))
    })
  }
}

/** Undefined: this worker answers. */
async function answerElsewhere(
  context: Context,
  { table, key }: { readonly table: string; readonly key: string },
  { route, proxy }: PagesOptions,
): Promise<Response | undefined> {
  const text = context.req.param(key) ?? context.req.query(key)
  if (text === undefined) return context.json({ error: `the request has no ${key}` }, 400)
  const where = route(table, text)
  if (where === 'here') return undefined
  const wasRouted = context.req.header(ROUTED_HEADER) !== undefined
  if (where !== 'unknown' && where.length > 0 && !wasRouted)
    return proxied({ ...proxy, address: where[0], request: context.req.raw })
  context.header('retry-after', '1')
  return context.json({ error: `the partition of ${text} is on its way` }, 503)
}

function answerOf(context: Context, answer: PageAnswer): Response {
  if (answer instanceof Response) return answer
  if (typeof answer === 'string') return context.text(answer)
  if (answer === undefined || answer === null) return context.body(null, 204)
  return json(context, answer, 200)
}

/** Big integers as JSON strings, as everywhere else. */
function json(context: Context, value: object, status: ContentfulStatusCode): Response {
  const headers = { 'content-type': 'application/json; charset=UTF-8' }
  return context.body(resultText(value), status, headers)
}

function resultText(value: object): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' ? each.toString() : each,
  )
}
