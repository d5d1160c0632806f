// JSON text as UTF-8 bytes in one growing buffer: the same text as json_write.ts gives, without a
// string per value. Filled by the writers that json_compile.ts makes.

/** Longer strings are left to the engine's own functions, which copy faster than a loop. */
const LOOP_CHARACTERS_MAX = 512
/** Numbers of up to this many decimals are written digit by digit. */
const DECIMALS_MAX = 4
/** Decimals of at most 15 digits are the shortest text of their double. */
const DECIMAL_DIGITS = 1e15
const LEAST_SPLIT = 1e9
const LOW = 1e6
const LOW_DIGITS = 6

export class JsonBytes {
  #buffer: Buffer
  /** Behind what is written. */
  at = 0

  constructor(initialBytes = 1024) {
    this.#buffer = Buffer.allocUnsafe(initialBytes)
  }

  /** The whole buffer; another one after it has grown. */
  get bytes(): Uint8Array {
    return this.#buffer
  }

  /** The bytes as they are. */
  raw(bytes: Uint8Array): void {
    const { length } = bytes
    this.#reserve(length)
    const target = this.#buffer
    const { at } = this
    for (let i = 0; i < length; i++) target[at + i] = bytes[i]
    this.at = at + length
  }

  /** Any text, without quotes. */
  text(text: string): void {
    this.#reserve(text.length * 3)
    this.at += this.#buffer.write(text, this.at)
  }

  /** A string in quotes, escaped as JSON.stringify does. */
  string(value: string): void {
    const { length } = value
    if (length > LOOP_CHARACTERS_MAX) {
      this.text(JSON.stringify(value))
      return
    }
    this.#reserve(length + 2)
    const target = this.#buffer
    let { at } = this
    target[at++] = 0x22
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code < 0x20 || code > 0x7f || code === 0x22 || code === 0x5c) {
        this.text(JSON.stringify(value))
        return
      }
      target[at++] = code
    }
    target[at++] = 0x22
    this.at = at
  }

  /** A string without quotes or escapes; false, and nothing written, unless it is all ASCII. */
  ascii(value: string): boolean {
    const { length } = value
    if (length > LOOP_CHARACTERS_MAX) return false
    this.#reserve(length)
    const target = this.#buffer
    const { at } = this
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      target[at + i] = code
    }
    this.at = at + length
    return true
  }

  /** A safe integer. */
  integer(value: number): void {
    if (value < 0) {
      this.#byte(0x2d)
      this.#whole(-value)
    } else this.#whole(value)
  }

  /** A finite number, as String() writes it. */
  number(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.integer(value)
      return
    }
    let scale = 10
    for (let decimals = 1; decimals <= DECIMALS_MAX; decimals++) {
      // A quotient is correctly rounded, so it is the double of the decimal. What had fewer
      // decimals was found before.
      const scaled = Math.round(value * scale)
      if (scaled / scale === value && scaled < DECIMAL_DIGITS && scaled > -DECIMAL_DIGITS) {
        this.#decimal(scaled, scale, decimals)
        return
      }
      scale *= 10
    }
    this.text(String(value))
  }

  #decimal(scaled: number, scale: number, decimals: number): void {
    if (scaled < 0) this.#byte(0x2d)
    const positive = Math.abs(scaled)
    const whole = Math.floor(positive / scale)
    this.#whole(whole)
    this.#byte(0x2e)
    this.#digits(positive - whole * scale, decimals)
  }

  #whole(value: number): void {
    if (value >= LEAST_SPLIT) {
      const high = Math.floor(value / LOW)
      this.#whole(high)
      this.#digits(value - high * LOW, LOW_DIGITS)
      return
    }
    let count = 1
    for (let power = 10; power <= value; power *= 10) count++
    this.#digits(value, count)
  }

  /** The last `count` digits of an integer below 2^31. */
  #digits(value: number, count: number): void {
    this.#reserve(count)
    const target = this.#buffer
    let rest = value | 0
    const end = this.at + count
    for (let i = end - 1; i >= this.at; i--) {
      const tenth = (rest / 10) | 0
      target[i] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.at = end
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.at++] = byte
  }

  #reserve(count: number): void {
    const needed = this.at + count
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, needed))
    this.#buffer.copy(grown, 0, 0, this.at)
    this.#buffer = grown
  }
}
