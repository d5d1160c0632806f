// Functions at the edges of the language, as somebody may well write them: corners.test.ts compiles
// them. Biome would have some of them otherwise.

export function carried(turns: number): number {
  let before = new Float64Array(4)
  let sum = 0
  for (let k = 0; k < turns; k++) {
    const next = new Float64Array(4)
    for (let i = 0; i < 4; i++) next[i] = before[i] + 1
    sum += before[0]
    before = next
  }
  return sum
}

export function lastOfTurns(turns: number): number {
  let made: Float64Array
  let sum = 0
  do {
    made = new Float64Array(2)
    made[0] = turns--
    sum += made[0]
  } while (filledWith(made, 3) > 3)
  return sum
}

function filledWith(values: Float64Array, value: number): number {
  const others = new Float64Array(2)
  others.fill(value)
  let sum = 0
  for (let i = 0; i < others.length; i++) sum = sum * 2 + others[i] - others[i]
  for (let i = 0; i < 40; i++) sum += i % 2 === 0 ? 1 : -1
  return sum + values[0]
}

export function besidePowers(value: number): number {
  const whole = value >>> 0
  const a = whole % Number.MAX_SAFE_INTEGER
  const b = whole % (2 ** 50 - 1)
  return a + b + (whole % 8) + (whole % 1)
}

export function switched(value: number): number {
  switch (Math.abs(value | 0)) {
    case 2147483648:
      return 1
    case 5:
      return 2
    case 6:
      return 3
    default:
      return 4
  }
}

export function storedBehind(values: Float64Array, at: number, next: number): number {
  let i = at
  if (next >= 0 && next < values.length) values[i] = i = next
  return i
}

export function wideProduct(a: Int32Array): number {
  const flags = new Uint8Array(2)
  let value = a[0] * a[1] + a[2]
  if (value < 0) value = 0
  flags[value & 1] = 1
  return value + flags[1]
}

export function wideDifference(n: number, m: number): number {
  const few = new Int32Array(8)
  const rest = n * m - 9007199254740991
  return rest + few[rest & 7]
}

export function readBeforeIndex(values: Float64Array, others: Float64Array): number {
  let from = values
  // biome-ignore lint/complexity/noCommaOperator: that is what is asked
  const first = from[((from = others), 0)]
  return first + from[0]
}

const list = [0, 0, 0, 0]
for (let i = 0; i < 4; i++) list[i] = i * i

export function fromFilledList(i: number): number {
  return list[i]
}

const filled = new Float64Array(4)

export function fillTable(value: number): void {
  filled.fill(value)
}

export function fromFilledTable(i: number): number {
  return filled[i]
}

const given = new Float64Array(4)

function writeFirst(values: Float64Array): void {
  values[0] = 7
}

export function giveTable(): void {
  writeFirst(given)
}

export function fromGivenTable(i: number): number {
  return given[i]
}

const whole = new Float64Array(4)
const part = whole.subarray(0, 2)
part[0] = 9

export function fromAliasedTable(i: number): number {
  return whole[i]
}

const later = new Float64Array(2)
const early = later[0]
later[0] = 5

export function fromEarly(): number {
  return early
}

export function fromLater(): number {
  return later[0]
}

let scale = 1

export function setScale(values: readonly number[]): void {
  ;[scale] = values
}

export function fromScale(value: number): number {
  return value * scale
}

let latest = 1

export function setLatest(values: readonly number[]): void {
  for (latest of values);
}

export function fromLatest(value: number): number {
  return value * latest
}

const table = Float64Array.from([1, 2, 3])

function at(values: Float64Array, i: number): number {
  return values[i]
}

export function throughFunction(i: number): number {
  return at(table, i)
}

const count = 5

export function defaultOfOther(count: number, limit = count): number {
  return count + limit
}

export function twiceCount(): number {
  return 2 * count
}

export function roots(n: number): number {
  const seen = new Int32Array(4)
  const root = Math.sqrt(n)
  for (let i = 0; i < root; i++) seen[i & 3]++
  return seen[0] + Math.floor(root)
}
