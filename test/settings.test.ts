import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../src/errors.ts'
import { settingSpecs } from '../src/setting_specs.ts'
import {
  describeBounds,
  environmentName,
  optionName,
  resolveSettings,
  type SettingsSources,
  settingNames,
} from '../src/settings.ts'
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../src/units.ts'

function refusal(sources: SettingsSources): EuphorionError {
  try {
    resolveSettings(sources)
  } catch (error) {
    assert.ok(error instanceof EuphorionError)
    assert.equal(error.code, 'SETTING_INVALID')
    return error
  }
  throw new assert.AssertionError({ message: 'accepted' })
}

test('every default lies within its own bounds', () => {
  const settings = resolveSettings({})
  const given = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  )
  assert.deepEqual(resolveSettings({ code: given }), settings)
})

test('every setting has help, an option and an environment name of its own', () => {
  const names = settingNames.flatMap((name) => [environmentName(name), optionName(name)])
  assert.equal(new Set(names).size, names.length)
  assert.equal(environmentName('batchBytes'), 'EUPHORION_BATCH_BYTES')
  assert.equal(optionName('commitIntervalMs'), 'commit-interval')
  for (const name of settingNames) {
    assert.match(settingSpecs[name].help, /\.$/)
    assert.ok(describeBounds(name).length > 0)
  }
})

test('command line beats environment beats file beats code beats default', () => {
  const sources = {
    code: { threads: 1 },
    file: { threads: 2 },
    env: { EUPHORION_THREADS: '3' },
    cli: { threads: '4' },
  }
  assert.equal(resolveSettings(sources).threads, 4)
  assert.equal(resolveSettings({ ...sources, cli: {} }).threads, 3)
  assert.equal(resolveSettings({ code: sources.code, file: sources.file }).threads, 2)
  assert.equal(resolveSettings({ code: sources.code }).threads, 1)
  assert.equal(resolveSettings({}).threads, settingSpecs.threads.default)
})

test('sizes and durations are read with their units', () => {
  const settings = resolveSettings({
    code: { batchBytes: '4 MiB', commitIntervalMs: '1.5s' },
    env: { EUPHORION_MAX_FUTURE_MS: '2h', EUPHORION_CHECK_CRCS: 'no' },
  })
  assert.equal(settings.batchBytes, 4 * 1024 * 1024)
  assert.equal(settings.commitIntervalMs, 1500)
  assert.equal(settings.maxFutureMs, 7_200_000)
  assert.equal(settings.checkCrcs, false)
})

test('a value out of bounds names the setting, the value, where it came from and the bounds', () => {
  const { message } = refusal({ env: { EUPHORION_BATCH_BYTES: '1' } })
  assert.equal(
    message,
    'batchBytes cannot be "1" (from EUPHORION_BATCH_BYTES): it takes a size from 16 KiB to 16 MiB',
  )
})

test('values of another kind are refused', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['threads', 0],
    ['threads', 65],
    ['threads', 1.5],
    ['threads', '2x'],
    ['threads', Number.NaN],
    ['threads', null],
    ['threads', true],
    ['commitIntervalMs', '-1s'],
    ['commitIntervalMs', 'soon'],
    ['batchBytes', '1 MiBB'],
    ['store', 'disk'],
    ['store', 'toString'],
    ['checkCrcs', 'maybe'],
    ['checkCrcs', 1],
    ['broker', ''],
    ['broker', 7],
  ]
  for (const [name, value] of wrong) {
    assert.match(refusal({ code: { [name]: value } }).message, new RegExp(`^${name} cannot be `))
  }
})

test('a secret is not shown', () => {
  const { message } = refusal({ code: { saslPassword: 12345 } })
  assert.doesNotMatch(message, /12345/)
})

test('a name that is no setting is refused, and the near one named', () => {
  assert.match(refusal({ file: { batchbytes: 1 } }).message, /did you mean batchBytes/)
  assert.match(refusal({ code: { toString: 1 } }).message, /there is no setting toString/)
})

test('units', () => {
  for (const [text, ms] of [
    ['250', 250],
    ['250ms', 250],
    ['1.1s', 1100],
    ['2m', 120_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
  ] as const)
    assert.equal(parseDuration(text), ms)
  for (const text of ['', 's', '-1s', '1w', '1.0005s', '1e3', ' '])
    assert.equal(parseDuration(text), undefined)
  assert.equal(parseBytes('64KiB'), 65_536)
  assert.equal(parseBytes('1 MB'), 1_000_000)
  assert.equal(parseBytes(-1), undefined)
  assert.equal(formatDuration(5_400_000), '1.5 h')
  assert.equal(formatDuration(250), '250 ms')
  assert.equal(formatDuration(0), '0 ms')
  assert.equal(formatBytes(65_536), '64 KiB')
  assert.equal(formatBytes(10), '10 B')
})

test("choices are taken in Kafka's own upper case too", () => {
  const code = { saslMechanism: 'SCRAM-SHA-256', compression: 'LZ4' }
  const { saslMechanism, compression } = resolveSettings({ code })
  assert.deepEqual([saslMechanism, compression], ['scram-sha-256', 'lz4'])
})

test('the environment beats code; booleans are words in any case', () => {
  const env = { EUPHORION_TOPIC_PARTITIONS: '3' }
  assert.equal(resolveSettings({ env, code: { topicPartitions: 9 } }).topicPartitions, 3)
  const web = (word: string) => resolveSettings({ env: { EUPHORION_WEB: word } }).web
  for (const word of ['1', 'true', 'yes', 'on', 'TRUE', 'Yes', 'ON']) assert.equal(web(word), true)
  for (const word of ['0', 'false', 'no', 'off', '', 'False', 'OFF']) assert.equal(web(word), false)
  assert.match(refusal({ env: { EUPHORION_WEB: 'maybe' } }).message, /"maybe".*true or false/)
})

test('an app may have a prefix of its own in the environment', () => {
  const env = { FOO_TOPIC_PARTITIONS: '3', EUPHORION_TOPIC_PARTITIONS: '5' }
  assert.equal(resolveSettings({ env, envPrefix: 'FOO_' }).topicPartitions, 3)
  assert.equal(resolveSettings({ env }).topicPartitions, 5)
})
