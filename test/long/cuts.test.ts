// Connections to Kafka that are cut behind every byte of every kind of response.
import { after } from 'node:test'
import { CutPlace, cutTests } from '../support/cut_operations.ts'
import { canStartKafka } from '../support/kafka.ts'

if (await canStartKafka()) {
  const place = await CutPlace.open()
  after(() => place.close())
  cutTests(() => place)
}
