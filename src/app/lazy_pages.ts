// The pages of an app, built from what is declared when the first request comes: their modules take
// as long to load as all that a small app needs. Owned by App.
import type { PageDefinition } from './page_declarations.ts'
import type { PagesOptions } from './pages.ts'

type Answer = (request: Request, env?: object) => Promise<Response>

export class LazyPages {
  readonly #declared: readonly PageDefinition[]
  readonly #options: () => Omit<PagesOptions, 'pages'>
  #built: { readonly count: number; readonly answer: Answer } | undefined

  constructor(declared: readonly PageDefinition[], options: () => Omit<PagesOptions, 'pages'>) {
    this.#declared = declared
    this.#options = options
  }

  async answer(request: Request, env?: object): Promise<Response> {
    const pages = [...this.#declared]
    if (this.#built?.count !== pages.length) {
      const { servePages } = await import('./pages.ts')
      this.#built = { count: pages.length, answer: servePages({ ...this.#options(), pages }) }
    }
    return this.#built.answer(request, env)
  }
}
