// A process of the long test of agents from the outside: what it has told, and its end. Started by
// test/long/agents.test.ts.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ClientJob } from './asking_client.ts'
import type { AskingNews, Span } from './asking_news.ts'
import type { AskingJob } from './asking_worker.ts'
import { Watch } from './log.ts'

type NewsOf<Kind> = AskingNews & { readonly kind: Kind }

export class AskingProcess {
  readonly name: string
  readonly #news: AskingNews[] = []
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown[]>
  readonly #watch = new Watch()

  private constructor(name: string, program: string, job: AskingJob) {
    this.name = name
    const path = fileURLToPath(new URL(program, import.meta.url))
    this.#child = fork(path, [JSON.stringify(job)])
    this.#closed = once(this.#child, 'close')
    this.#child.on('message', (news) => {
      this.#news.push(news as AskingNews)
      this.#watch.changed()
    })
  }

  static worker(name: string, job: AskingJob): AskingProcess {
    return new AskingProcess(name, './asking_worker.js', job)
  }

  static client(job: ClientJob): AskingProcess {
    return new AskingProcess('client', './asking_client.js', job)
  }

  /** In the order in which they came. */
  told<Kind extends AskingNews['kind']>(kind: Kind): NewsOf<Kind>[] {
    return this.#news.filter((each): each is NewsOf<Kind> => each.kind === kind)
  }

  /** Resolves once it has told something like that; rejects when it ends before. */
  async until(holds: (news: AskingNews) => boolean): Promise<void> {
    const isSo = (): boolean => this.#news.some(holds)
    await Promise.race([this.#watch.until(isSo), this.#closed])
    assert.ok(isSo(), `${this.name} ended: ${this.told('trouble').map(({ text }) => text)}`)
  }

  /** All partitions that came to it are open. */
  untilWorking(): Promise<void> {
    return this.until((news) => news.kind === 'moved' && news.isComplete)
  }

  /** To the client. */
  tellRebalances(spans: readonly Span[]): void {
    this.#child.send([...spans])
  }

  /** SIGTERM; it must end by itself, with 0. */
  async leave(): Promise<void> {
    this.#child.kill('SIGTERM')
    const [code, signal] = await this.#closed
    assert.equal(signal ?? code, 0, `${this.name} failed`)
  }

  /** If it still runs. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }
}
