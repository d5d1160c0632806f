// Every request in every version that we speak, on real brokers of both kinds of Kafka.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requests } from '../../src/wire/requests.ts'
import { FrameRecorder } from '../support/frame_recorder.ts'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { decodeAnswer, type encodeBody, isSuccess } from '../support/recorded.ts'
import { askEverything } from '../support/wire_scenario.ts'

for (const version of ['3.9.1', '4.1.1'] as const) {
  if (!(await canStartKafka(version))) continue

  test(`Kafka ${version} does what it is asked for in every version that it speaks`, async () => {
    const kafka = await startKafka({ version })
    const recorder = await FrameRecorder.open(Number(kafka.brokers.split(':')[1]))
    try {
      await askEverything(recorder.port)
    } finally {
      recorder.close()
      await kafka.stop()
    }
    const done = new Set<string>()
    const highest = new Map<number, number>()
    for (const { name, version, received } of recorder.exchanges) {
      const types = Object.values(requests).filter((type) => type.name === name)
      for (const type of types as unknown as Parameters<typeof encodeBody>[0][]) {
        if (version < type.versions[0] || version > type.versions[1]) continue
        const { answer } = decodeAnswer(type, version, received)
        if (isSuccess(answer)) done.add(`${name} ${version}`)
        if (name !== 'ApiVersions') continue
        const { apiKeys } = answer as { apiKeys: { apiKey: number; maxVersion: number }[] }
        for (const { apiKey, maxVersion } of apiKeys) highest.set(apiKey, maxVersion)
      }
    }
    for (const { name, apiKey, versions } of Object.values(requests)) {
      // A listener without SASL refuses it.
      if (name.startsWith('Sasl')) continue
      const last = Math.min(versions[1], highest.get(apiKey)!)
      for (let each = versions[0]; each <= last; each++)
        assert.ok(done.has(`${name} ${each}`), `${name} ${each}`)
    }
  })
}
