// The errors of brokers against the list of Kafka itself.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerCode } from '../../src/wire/broker_code.ts'
import { brokerError, brokerFailure } from '../../src/wire/broker_error.ts'

/** Of Kafka 4.1.1; `kind` is r: retriable, m: retriable with newer metadata. */
const kafkas = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../test/wire/recorded/errors.json'), 'utf8'),
) as { readonly code: number; readonly name: string; readonly kind: string }[]

/** Where we know better; Kafka's clients treat these likewise, but not by the type of the error. */
const otherwise: Readonly<Record<string, string>> = {
  BROKER_NOT_AVAILABLE: 'm',
  STALE_CONTROLLER_EPOCH: 'm',
  NOT_CONTROLLER: 'm',
  REBOOTSTRAP_REQUIRED: 'm',
  COORDINATOR_NOT_AVAILABLE: 'c',
  NOT_COORDINATOR: 'c',
}

test('every error of Kafka 4.1 is known by its name and number', () => {
  assert.deepEqual(
    Object.entries(brokerCode).sort(([, a], [, b]) => a - b),
    kafkas.map(({ code, name }) => [name, code]).sort(([, a], [, b]) => +a - +b),
  )
})

test('what is retriable for Kafka is retried, after the same is looked up', () => {
  for (const { code, name, kind } of kafkas) {
    if (code === 0) continue
    const error = brokerError(code)!
    const expected = otherwise[name] ?? kind
    assert.equal(error.name, name)
    assert.equal(error.retriable, expected !== '', name)
    const lookUp = expected === 'm' ? 'metadata' : expected === 'c' ? 'coordinator' : 'nothing'
    assert.equal(error.lookUp, lookUp, name)
  }
})

test('a person gets a sentence, a name and the place, never only a number', () => {
  for (const { code, name } of kafkas) {
    if (code === 0) continue
    const failure = brokerFailure(code, "reading 'a'", { topic: 'a', partition: 3 })!
    assert.match(failure.message, /^reading 'a': [a-z][^()]{8,} \([A-Z_]+\)$/)
    assert.ok(failure.message.endsWith(`(${name})`))
    assert.deepEqual(failure.place, { topic: 'a', partition: 3 })
  }
  const newer = brokerFailure(9999, 'asking')!
  assert.match(newer.message, /^asking: the broker answered with an error .* \(error code 9999\)$/)
  assert.equal(newer.code, 'REQUEST_REFUSED')
})

test("the broker's own words are kept where it says some", () => {
  const failure = brokerFailure(brokerCode.INVALID_RECORD, 'sending', {}, 'no key in record 2')!
  assert.match(failure.message, /\(INVALID_RECORD\); the broker says: no key in record 2$/)
})

test('codes for people say whether a retry can help', () => {
  for (const { code } of kafkas) {
    const error = brokerError(code)
    if (error === undefined) continue
    const { retriable, code: forPeople } = brokerFailure(code, 'asking')!
    if (forPeople === 'LOG_FAILED') assert.ok(error.retriable, error.name)
    if (!error.retriable) assert.equal(retriable, false, error.name)
  }
})

test('0 is no error', () => {
  assert.equal(brokerError(0), undefined)
  assert.equal(brokerFailure(0, 'asking'), undefined)
})
