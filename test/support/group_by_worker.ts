// Forked by the test of groupBy on Kafka: a worker of its app that says when it works, and stops
// when it is asked to.
import type { SettingsInput } from '../../src/settings.ts'
import { groupByApp } from './group_by_app.ts'

const { id, settings } = JSON.parse(process.argv[2]) as { id: string; settings: SettingsInput }
const { app } = groupByApp(id, settings)
process.once('message', () => {
  void app.stop().then(() => process.exit(0))
})
await app.start()
process.send?.('started')
