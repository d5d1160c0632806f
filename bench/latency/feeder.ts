// The producer of a latency run, in a process of its own: it appends on its schedule, whatever the
// worker does. Started by trial.ts where several processes may have the log.
import { openLog } from '../../src/log/open.ts'
import { answer, nextQuestion, runChild } from './child.ts'
import { Feed } from './feed.ts'
import { Schedule, type ScheduleStart } from './schedule.ts'
import { sharedClock as clock } from './shared_clock.ts'
import { TimedViews } from './timed_views.ts'
import { type FeedAnswer, type TrialSpec, viewsTopic } from './trial_spec.ts'
import { Urls } from './urls.ts'

await runChild(async () => {
  const spec = await nextQuestion<TrialSpec>()
  const log = await openLog(spec.broker, { clock })
  const producer = await log.producer()
  const urls = new Urls(spec.schedule.partitions, spec.schedule.keys)
  const asked = nextQuestion<ScheduleStart>()
  await answer({})
  const schedule = new Schedule(spec.schedule, await asked)
  const views = new TimedViews(schedule, urls, spec.seed)
  const feed = new Feed({ schedule, views, producer, topic: viewsTopic(spec), clock })
  await feed.run()
  await producer.close()
  await log.close()
  const given: FeedAnswer = { lateMs: feed.lateMs(0.99) }
  await answer(given)
})
