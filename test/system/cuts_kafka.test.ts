// Connections to Kafka that are cut in the middle of any response: whoever asked asks again, and
// nothing is lost or done twice.
import { after } from 'node:test'
import { CutPlace, cutTests } from '../support/cut_operations.ts'
import { canStartKafka } from '../support/kafka.ts'

if (await canStartKafka()) {
  const place = await CutPlace.open()
  after(() => place.close())
  cutTests(() => place, 12)
}
