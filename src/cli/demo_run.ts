// One run of `euphorion demo`: feeds the app, shows frames, and ends when all that was made is
// aggregated. Called by the command.
import type { App } from '../app/app.ts'
import type { Clock } from '../clock.ts'
import { demoWindowMs, type PageRow, type PerPage } from './demo_app.ts'
import type { DemoFeed } from './demo_feed.ts'
import type { DemoFrame, DemoScreen } from './demo_screen.ts'

export interface DemoRunOptions {
  readonly app: App
  readonly feed: DemoFeed
  readonly perPage: PerPage
  readonly screen: DemoScreen | undefined
  readonly clock: Clock
}

const TOP_PAGES = 10
const FRAME_MS = 1000
/** Shown more often at the beginning. */
const FIRST_FRAME_MS = 250
const FIRST_FRAMES = 4
/** Cuts come in steps: a rate is that of some seconds, or of all the time so far. */
const RATE_MS = 4000

/** Events whose results are stored. */
export function aggregated(app: App): number {
  return app.statistics().reduce((sum, lane) => sum + lane.storedOffset, 0)
}

/**
 * Runs until all events are aggregated; after `seconds` or `signal` no more are made. Resolves with
 * the seconds that it took.
 */
export async function runDemo(
  options: DemoRunOptions,
  seconds: number | undefined,
  signal: Promise<void>,
): Promise<number> {
  const { app, feed, clock, screen, perPage } = options
  const startedAt = clock.monotonic()
  const rates = new Rates(startedAt)
  let isFed = false
  const feeding = feed.run().finally(() => {
    isFed = true
  })
  const failed = Promise.race([app.ended, feeding.then(() => new Promise<never>(() => undefined))])
  const isDone = (): boolean => isFed && aggregated(app) >= feed.produced
  void signal.then(() => feed.stop())
  const cancelEnd =
    seconds === undefined ? undefined : clock.after(seconds * 1000, () => feed.stop())
  try {
    for (let frames = 0; !isDone(); frames++) {
      const frameMs = frames < FIRST_FRAMES ? FIRST_FRAME_MS : FRAME_MS
      await Promise.race([pause(clock, frameMs, isDone), failed])
      if (screen === undefined) continue
      const events = aggregated(app)
      const eventsPerSecond = rates.at(clock.monotonic(), events)
      const behind = feed.produced - events
      screen.show({ events, eventsPerSecond, behind, ...(await topOfWindow(perPage)) })
    }
    await feeding
  } finally {
    cancelEnd?.()
    screen?.end()
  }
  return (clock.monotonic() - startedAt) / 1000
}

/** Over in `ms`, or earlier when all is done. */
async function pause(clock: Clock, ms: number, isDone: () => boolean): Promise<void> {
  const end = clock.monotonic() + ms
  while (clock.monotonic() < end && !isDone()) {
    await new Promise<void>((resolve) => clock.after(20, resolve))
  }
}

/** Events a second over the last seconds. */
class Rates {
  #samples: { readonly at: number; readonly events: number }[]

  constructor(startedAt: number) {
    this.#samples = [{ at: startedAt, events: 0 }]
  }

  at(at: number, events: number): number {
    this.#samples.push({ at, events })
    // The oldest that is kept is the newest that is old enough.
    const first = this.#samples.findLastIndex((sample) => at - sample.at >= RATE_MS)
    this.#samples = this.#samples.slice(Math.max(0, first))
    const [oldest] = this.#samples
    return ((events - oldest.events) / Math.max(1, at - oldest.at)) * 1000
  }
}

async function topOfWindow(perPage: PerPage): Promise<Pick<DemoFrame, 'windowStart' | 'top'>> {
  const newest = await perPage.get('/page/0')
  if (newest === undefined) return { windowStart: undefined, top: [] }
  // The newest window has only begun: the one before is the newest that is about complete.
  const before = newest.start - demoWindowMs
  const complete = await topPages(perPage, before)
  if (complete.length > 0) return { windowStart: before, top: complete }
  return { windowStart: newest.start, top: await topPages(perPage, newest.start) }
}

async function topPages(perPage: PerPage, start: number): Promise<PageRow[]> {
  const top: PageRow[] = []
  for await (const row of perPage.range({ from: start, to: start + 1 })) {
    if (top.length === TOP_PAGES && row.views <= top[TOP_PAGES - 1].views) continue
    top.push(row)
    top.sort((a, b) => b.views - a.views)
    if (top.length > TOP_PAGES) top.pop()
  }
  return top
}
