// Hostile answers: whatever the bytes are, a decoder answers or refuses them with PROTOCOL_VIOLATED.
// It reads nothing beyond the answer, and makes nothing larger than the answer can hold.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EuphorionError } from '../../src/errors.ts'
import { decodeAssignment, decodeSubscription } from '../../src/wire/consumer_protocol.ts'
import { Decoder } from '../../src/wire/decoder.ts'
import { requests } from '../../src/wire/requests.ts'
import { recorded, typeOf } from '../support/recorded.ts'

const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31)
const runs = Number(process.env.FC_RUNS ?? 10_000)
console.log(`seed of the hostile answers: ${seed} (FC_SEED repeats it, FC_RUNS asks for more)`)

/** Something that reads an answer from its first byte. */
interface Reader {
  readonly name: string
  read(from: Decoder): unknown
}

const readers: Reader[] = Object.values(requests).flatMap((type) => {
  const [lowest, highest] = type.versions
  return Array.from({ length: highest - lowest + 1 }, (_, i) => ({
    name: `${type.name} ${lowest + i}`,
    read: (from: Decoder) => {
      from.flexible = lowest + i >= type.flexibleFrom
      return type.decode(from, lowest + i) as unknown
    },
  }))
})
const slice = ({ bytes, at, end }: Decoder) => bytes.subarray(at, end)
readers.push({ name: 'a subscription', read: (from) => decodeSubscription(slice(from)) })
readers.push({ name: 'an assignment', read: (from) => decodeAssignment(slice(from)) })

const readerOf = (name: string) => readers.find((reader) => reader.name === name)!

/** What came out of it; anything but an answer and PROTOCOL_VIOLATED is thrown on. */
function outcome(reader: Reader, from: Decoder): unknown {
  try {
    return reader.read(from)
  } catch (error) {
    if (!(error instanceof EuphorionError) || error.code !== 'PROTOCOL_VIOLATED') throw error
    return error.code
  } finally {
    assert.ok(from.at <= from.end, `${reader.name} stands behind the end`)
  }
}

/** Elements of all arrays, and bytes and characters of all leaves. */
function weigh(value: unknown, bounds: Uint8Array): { elements: number; leaves: number } {
  const total = { elements: 0, leaves: 0 }
  const visit = (each: unknown): void => {
    if (typeof each === 'string') total.leaves += each.length
    else if (each instanceof Uint8Array) {
      total.leaves += each.length
      assert.ok(within(each, bounds), 'a view reaches beyond the answer')
    } else if (Array.isArray(each)) {
      total.elements += each.length
      each.forEach(visit)
    } else if (typeof each === 'object' && each !== null) Object.values(each).forEach(visit)
  }
  visit(value)
  return total
}

function within(view: Uint8Array, { buffer, byteOffset, length }: Uint8Array): boolean {
  if (view.length === 0) return true
  const end = view.byteOffset + view.length
  return view.buffer === buffer && view.byteOffset >= byteOffset && end <= byteOffset + length
}

function check(reader: Reader, bytes: Uint8Array): void {
  const alone = Buffer.from(bytes)
  const answer = outcome(reader, new Decoder(alone))
  const { elements, leaves } = weigh(answer, alone)
  assert.ok(elements <= bytes.length, `${reader.name}: ${elements} elements`)
  // An id of 16 bytes is printed as 22 characters; the code of the error has 17.
  assert.ok(leaves <= 2 * bytes.length + 17, `${reader.name}: ${leaves} bytes and characters`)
  // The same among other bytes: had it read any of them, it would say something else.
  for (const other of [0x01, 0xff]) {
    const among = Buffer.alloc(bytes.length + 64, other)
    among.set(bytes, 32)
    const from = new Decoder(among, 32, 32 + bytes.length)
    assert.deepEqual(outcome(reader, from), answer, `${reader.name} among ${other}`)
  }
}

type Mutation = (bytes: Buffer) => Buffer

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Lengths as an enemy would give them, of every encoding. */
const lengths = [
  '7fffffff',
  'ffffffff',
  '80000000',
  '00ffffff',
  '00000100',
  '7fff',
  'ffff',
  '8000',
  '00',
  '01',
  '7f',
  'ff01',
  'ffffffff07',
  'ffffffff0f',
  'ffffffff7f',
  'ffffffffffffffffff01',
  '8080808000',
].map((hex) => Buffer.from(hex, 'hex'))

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  // A bit is the other way round.
  fc.tuple(place, fc.nat(7)).map(([where, bit]): Mutation => {
    return (bytes) => {
      if (bytes.length > 0) bytes[Math.floor(where * bytes.length)] ^= 1 << bit
      return bytes
    }
  }),
  // The end is missing.
  place.map((where): Mutation => {
    return (bytes) => bytes.subarray(0, Math.floor(where * bytes.length))
  }),
  // A length is another, in place of what was there or in front of it.
  fc
    .tuple(place, fc.constantFrom(...lengths), fc.boolean())
    .map(([where, length, inserted]): Mutation => {
      return (bytes) => {
        const at = Math.floor(where * bytes.length)
        const rest = bytes.subarray(inserted ? at : at + length.length)
        return Buffer.concat([bytes.subarray(0, at), length, rest])
      }
    }),
  // A piece comes twice.
  fc.tuple(place, place).map(([from, to]): Mutation => {
    return (bytes) => {
      const [start, end] = [from, to].map((each) => Math.floor(each * bytes.length)).sort(byValue)
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)])
    }
  }),
)

function byValue(a: number, b: number): number {
  return a - b
}

const answers = ['broker', 'kafkajs', 'made'].flatMap((file) =>
  recorded(file).flatMap((message) => {
    const { name, version, bytes, isAnswer } = message
    if (name === 'ConsumerProtocolSubscription')
      return { reader: readerOf('a subscription'), bytes: prefixed(version, bytes) }
    if (name === 'ConsumerProtocolAssignment')
      return { reader: readerOf('an assignment'), bytes: prefixed(version, bytes) }
    if (!isAnswer) return []
    const { name: type } = typeOf(message)
    return { reader: readerOf(`${type} ${version}`), bytes }
  }),
)

function prefixed(version: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, version]), bytes])
}

test('answers as they were recorded are read by the reader that is tested here', () => {
  const read = new Set<string>()
  for (const { reader, bytes } of answers) {
    assert.notEqual(outcome(reader, new Decoder(bytes)), 'PROTOCOL_VIOLATED', reader.name)
    check(reader, bytes)
    read.add(reader.name)
  }
  assert.equal(read.size, readers.length)
})

test('recorded answers with mutations are read or refused', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...answers),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      ({ reader, bytes }, mutations) => {
        const hostile = mutations.reduce<Buffer>((each, mutate) => mutate(each), Buffer.from(bytes))
        check(reader, hostile)
      },
    ),
    { seed, numRuns: runs },
  )
})

test('recorded answers are read or refused by the readers of other requests', () => {
  fc.assert(
    fc.property(fc.constantFrom(...answers), fc.constantFrom(...readers), ({ bytes }, reader) =>
      check(reader, bytes),
    ),
    { seed, numRuns: runs },
  )
})

test('random bytes are read or refused', () => {
  const small = fc.constantFrom(0, 0, 0, 1, 2, 3, 0x7f, 0x80, 0xff)
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // Small numbers get further than large ones.
    fc.array(small, { maxLength: 300 }).map((each) => Uint8Array.from(each)),
  )
  fc.assert(
    fc.property(fc.constantFrom(...readers), bytes, (reader, each) => check(reader, each)),
    { seed, numRuns: runs },
  )
})

test('every cut of an answer is refused, or means what its beginning says', () => {
  for (const { reader, bytes } of answers.filter(({ bytes }) => bytes.length < 300))
    for (let end = 0; end < bytes.length; end++) check(reader, bytes.subarray(0, end))
})

test('a large answer of one and the same byte takes no longer than its size', () => {
  const size = 2 ** 20
  for (const byte of [0x00, 0x01, 0x02, 0x03, 0x40, 0x7f, 0x80, 0xff]) {
    // The first length is what all the rest could just hold.
    const bytes = Buffer.alloc(size, byte)
    for (const reader of readers) {
      const before = process.cpuUsage()
      outcome(reader, new Decoder(bytes))
      const { user, system } = process.cpuUsage(before)
      const took = (user + system) / 1000
      assert.ok(took < 4000, `${reader.name} of ${byte}: ${took} ms for ${size} bytes`)
    }
  }
})

test('an array that claims all that is left is given up at its first bad element', () => {
  for (const { reader, bytes } of answers) {
    // Every place where the length of an array of either encoding may stand.
    for (let at = 0; at + 4 <= bytes.length && at < 120; at++) {
      const hostile = Buffer.concat([bytes, Buffer.alloc(50_000)])
      hostile.writeInt32BE(hostile.length - at - 4, at)
      const { elements } = weigh(outcome(reader, new Decoder(hostile)), hostile)
      assert.ok(elements <= hostile.length)
    }
  }
})
