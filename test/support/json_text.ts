// Arbitraries of JSON text in every notation that the grammar allows, and of bytes that are nearly
// JSON. Text, not values: two notations of one value are two tests.
import fc from 'fast-check'

const space = fc.constantFrom('', '', '', '', ' ', '\n', '\t', '\r', '  \r\n\t')

const digits = (max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: max }).map((d) => d.join(''))

const exponent = fc
  .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.integer({ min: 0, max: 400 }))
  .map((parts) => parts.join(''))

const composed = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    fc.oneof(
      fc.constant('0'),
      digits(25).map((d) => d.replace(/^0+(?=\d)/, '')),
    ),
    fc.oneof(
      fc.constant(''),
      digits(25).map((d) => `.${d}`),
    ),
    fc.oneof({ arbitrary: fc.constant(''), weight: 3 }, { arbitrary: exponent, weight: 1 }),
  )
  .map((parts) => parts.join(''))

/** A number token. */
export const numberText: fc.Arbitrary<string> = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
  fc.maxSafeInteger().map(String),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  composed,
  fc.constantFrom('-0', '0', '1e3', '5.0', '10.0e-1', '1.5', '1e400', '-1e400', '0e99999999999'),
  fc.constantFrom('9007199254740991', '9007199254740992', '9007199254740991.1', '1e-400'),
  fc.constantFrom('9223372036854775807', '9223372036854775808', '-9223372036854775808'),
  fc.constantFrom('-9223372036854775809', '922337203685477580700e-2', '1700000012345'),
)

const shortEscapes = new Map(
  Object.entries({
    '"': '"',
    '\\': '\\',
    '/': '/',
    '\b': 'b',
    '\f': 'f',
    '\n': 'n',
    '\r': 'r',
    '\t': 't',
  }),
)

function unitEscape(unit: number, upper: boolean): string {
  const hex = unit.toString(16).padStart(4, '0')
  return `\\u${upper ? hex.toUpperCase() : hex}`
}

/** One way to write a character; `how` chooses. */
function written(character: string, how: number): string {
  const short = shortEscapes.get(character)
  const mustEscape = /["\\]/.test(character) || character < ' ' || /\p{Surrogate}/u.test(character)
  if (!mustEscape && how < 12) return character
  if (short !== undefined && how % 2 === 0) return `\\${short}`
  return character
    .split('')
    .map((unit) => unitEscape(unit.charCodeAt(0), how % 3 === 0))
    .join('')
}

/** A string token for the text. */
export function stringText(text: string): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: fc.constant(JSON.stringify(text)), weight: 3 },
    {
      arbitrary: fc
        .array(fc.nat(15), { minLength: text.length, maxLength: text.length })
        .map((hows) => `"${Array.from(text, (c, i) => written(c, hows[i] ?? 0)).join('')}"`),
      weight: 1,
    },
  )
}

const content = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '/page/17', 'u087123', '\ud83d\ude00', '\ud83d', 'x\udc00y', '\ufeff', '\0'),
  fc.constantFrom(
    '2024-02-29T12:34:56.789Z',
    '2024-02-30',
    '1969-12-31T23:59:59.9999+01:00',
    'QUI=',
  ),
  fc.string({ minLength: 14, maxLength: 18 }),
)

/** A string token. */
export const anyStringText: fc.Arbitrary<string> = content.chain(stringText)

const two = (max: number) => fc.nat(max).map((n) => String(n).padStart(2, '0'))

/** A string token with an ISO-8601 time, or nearly one. */
export const timeText: fc.Arbitrary<string> = fc
  .tuple(
    fc.nat(9999).map((year) => String(year).padStart(4, '0')),
    two(13),
    two(32),
    fc.constantFrom('T', 'T', 'T', ' ', 't'),
    two(24),
    two(60),
    fc.oneof(
      fc.constant(''),
      two(60).map((seconds) => `:${seconds}`),
    ),
    fc.oneof(
      fc.constant(''),
      digits(9).map((d) => `.${d}`),
      fc.constant('.'),
    ),
    fc.constantFrom('Z', 'Z', 'Z', '', 'z', '+01:00', '-23:59', '+0100', 'ZZ'),
  )
  .map(([y, m, d, t, h, n, s, f, z]) => `"${y}-${m}-${d}${t}${h}:${n}${s}${f}${z}"`)

export const wordText = fc.constantFrom('null', 'true', 'false')

function joined(open: string, close: string, parts: readonly string[], space: string): string {
  return `${open}${space}${parts.join(`${space},${space}`)}${space}${close}`
}

/** Any JSON value, nested a few levels. */
export const valueText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    wordText,
    numberText,
    anyStringText,
    fc
      .tuple(fc.array(tie('value'), { maxLength: 4 }), space)
      .map(([a, s]) => joined('[', ']', a, s)),
    fc
      .tuple(fc.array(fc.tuple(anyStringText, tie('value')), { maxLength: 4 }), space)
      .map(([m, s]) =>
        joined(
          '{',
          '}',
          m.map(([k, v]) => `${k}${s}:${s}${v}`),
          s,
        ),
      ),
  ),
})).value

/** An object of these members (name and text of the value), somewhere with white space. */
export function objectText(
  members: fc.Arbitrary<readonly (readonly [name: string, value: string])[]>,
): fc.Arbitrary<string> {
  return members.chain((list) =>
    fc.tuple(fc.tuple(...list.map(([name]) => stringText(name))), space, space).map(
      ([keys, s, t]) =>
        `${t}${joined(
          '{',
          '}',
          list.map(([, value], i) => `${keys[i]}${t}:${s}${value}`),
          s,
        )}${t}`,
    ),
  )
}

type Mutation = readonly [kind: number, at: number, byte: number]

const mutations = fc.array(
  fc.tuple(
    fc.nat(4),
    fc.nat(10_000),
    fc.oneof(
      fc.nat(255),
      fc.constantFrom(
        ...Buffer.from('"\\{}[],:0123456789.eE+-ntfu \n\0').values(),
        0x80,
        0xed,
        0xff,
      ),
    ),
  ),
  { minLength: 1, maxLength: 3 },
)

function mutate(bytes: Buffer, [kind, place, byte]: Mutation): Buffer {
  const at = bytes.length === 0 ? 0 : place % bytes.length
  if (kind === 0) return bytes.subarray(0, at)
  if (kind === 1) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
  if (kind === 2)
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)])
  const copy = Buffer.from(bytes)
  copy[at] = kind === 3 ? byte : copy[at] ^ (1 << (byte & 7))
  return copy
}

/** The same text with one to three bytes lost, inserted, changed, or its tail cut off. */
export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return fc.tuple(text, mutations).map(([t, list]) => list.reduce(mutate, Buffer.from(t)))
}
