// The decisions of transactions: a file of lines, each with a checksum, that says which ones count.
// What is not in it does not. Written before anything of a decision is applied, read when the log
// is opened; see transactions.ts.
import { EuphorionError } from '../../errors.ts'
import { crc32c } from '../../wire/crc32c.ts'
import {
  closeFile,
  datasync,
  fileError,
  openFile,
  readIfThere,
  replaceFile,
  truncate,
  writeAt,
} from './files.ts'

/** A transaction that counts. Topics are named by their ids. */
export interface Decision {
  readonly producerId: number
  /** Where it has records, and from which offset on. */
  readonly partitions: readonly (readonly [topicId: string, partition: number, first: number])[]
  readonly offsets: readonly GroupDecision[]
}

export interface GroupDecision {
  readonly group: string
  readonly at: readonly (readonly [topicId: string, partition: number, offset: number])[]
}

/** Decisions are numbered in the order in which they were made. */
export interface NumberedDecision extends Decision {
  readonly number: number
}

interface Waiting {
  readonly decision: Decision
  readonly apply: (number: number) => void
  readonly resolve: (number: number) => void
  readonly reject: (error: unknown) => void
}

export interface JournalOptions {
  /** Each decision is on disk before it is applied. */
  readonly sync: boolean
  /** Makes durable what the decisions so far have changed, so that the journal may forget them. */
  readonly settle: () => Promise<void>
  /** A longer journal is begun anew. Default 1 MiB. */
  readonly bytesMax?: number
}

const bytesMaxDefault = 1024 * 1024

export class Journal {
  readonly #path: string
  readonly #options: JournalOptions
  #fd: number
  #bytes: number
  #last: number
  #dirty = false
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  /** Lines of decisions that are not applied everywhere yet. */
  readonly #pending = new Map<number, string>()
  #broken: EuphorionError | undefined

  private constructor(
    path: string,
    options: JournalOptions,
    begun: { fd: number; bytes: number; last: number },
  ) {
    this.#path = path
    this.#options = options
    this.#fd = begun.fd
    this.#bytes = begun.bytes
    this.#last = begun.last
  }

  /** Begins the journal anew: the decisions that it held are applied and durable. */
  static async begin(path: string, last: number, options: JournalOptions): Promise<Journal> {
    const bytes = await begin(path, last, [])
    return new Journal(path, options, { fd: await openFile(path, 'r+'), bytes, last })
  }

  /**
   * Resolves with its number once the decision counts. `apply` is called with it before, in the
   * order of decisions. DISK_FULL: it does not count; LOG_FAILED: nobody knows, and the journal
   * takes no more.
   */
  decide(decision: Decision, apply: (number: number) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ decision, apply, resolve, reject })
      this.#writing ??= this.#writeWaiting()
    })
  }

  /** Set when nobody knows whether the last decisions count. */
  get broken(): EuphorionError | undefined {
    return this.#broken
  }

  /** The decision has nothing left to be applied. */
  applied(number: number): void {
    this.#pending.delete(number)
  }

  async #writeWaiting(): Promise<void> {
    await null
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        if (this.#broken) throw this.#broken
        if (this.#bytes > (this.#options.bytesMax ?? bytesMaxDefault)) await this.#beginAnew()
        const lines = group.map(({ decision }, i) =>
          line({ number: this.#last + 1 + i, ...decision }),
        )
        await this.#write(lines.join(''))
        for (const [i, { apply }] of group.entries()) {
          this.#last++
          this.#pending.set(this.#last, lines[i])
          apply(this.#last)
        }
        const first = this.#last - group.length + 1
        for (const [i, { resolve }] of group.entries()) resolve(first + i)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#writing = undefined
  }

  async #write(text: string): Promise<void> {
    const bytes = Buffer.from(text)
    try {
      await writeAt(this.#fd, [bytes], this.#bytes)
    } catch (error) {
      await truncate(this.#fd, this.#bytes).catch((cause) => this.#break(cause))
      throw this.#broken ?? fileError(error, this.#path)
    }
    if (this.#options.sync)
      await datasync(this.#fd).catch((cause) => {
        throw this.#break(cause)
      })
    else this.#dirty = true
    this.#bytes += bytes.length
  }

  #break(cause: unknown): EuphorionError {
    const message = `what ${this.#path} holds is not known`
    this.#broken ??= new EuphorionError('LOG_FAILED', message, {
      cause,
      place: { path: this.#path },
    })
    return this.#broken
  }

  async #beginAnew(): Promise<void> {
    await this.#options.settle()
    this.#bytes = await begin(this.#path, this.#last, [...this.#pending.values()])
    // The descriptor is that of the file that was replaced.
    const old = this.#fd
    this.#fd = await openFile(this.#path, 'r+').catch((cause) => {
      throw this.#break(cause)
    })
    await closeFile(old)
  }

  /** Forces the decisions so far to disk. */
  async sync(): Promise<void> {
    if (!this.#dirty || this.#broken) return
    this.#dirty = false
    await datasync(this.#fd).catch((cause) => {
      throw this.#break(cause)
    })
  }

  /** `empty`: what the decisions have changed is durable. */
  async close(empty: boolean): Promise<void> {
    await this.#writing
    await closeFile(this.#fd)
    if (!empty || this.#pending.size > 0 || this.#broken) return
    await begin(this.#path, this.#last, [])
  }
}

/** Returns how long the new file is. */
async function begin(path: string, last: number, lines: readonly string[]): Promise<number> {
  const text = line({ last }) + lines.join('')
  try {
    await replaceFile(path, text, true)
    return Buffer.byteLength(text)
  } catch (error) {
    throw fileError(error, path)
  }
}

function line(value: object): string {
  const text = JSON.stringify(value)
  return `${checksum(text)} ${text}\n`
}

function checksum(text: string): string {
  return (crc32c(Buffer.from(text)) >>> 0).toString(16).padStart(8, '0')
}

/**
 * What a journal holds. A line that was not written to its end is none; damage before the last is
 * LOG_CORRUPT.
 */
export async function readJournal(
  path: string,
): Promise<{ readonly decisions: readonly NumberedDecision[]; readonly last: number }> {
  const bytes = await readIfThere(path)
  if (bytes === undefined) return { decisions: [], last: 0 }
  // Behind the last end of a line is one that was not written to its own.
  const read = bytes.toString('utf8').split('\n').slice(0, -1).map(parse)
  const whole = read.includes(undefined) ? read.indexOf(undefined) : read.length
  if (read.slice(whole).some((value) => value !== undefined)) {
    const message = `${path} is damaged in line ${whole + 1}, before its end`
    throw new EuphorionError('LOG_CORRUPT', message, { place: { path } })
  }
  const decisions: NumberedDecision[] = []
  let last = 0
  for (const value of read.slice(0, whole))
    if ('last' in value!) last = Math.max(last, value.last)
    else {
      decisions.push(value!)
      last = Math.max(last, value!.number)
    }
  return { decisions, last }
}

function parse(text: string): NumberedDecision | { last: number } | undefined {
  const body = text.slice(9)
  if (text[8] !== ' ' || checksum(body) !== text.slice(0, 8)) return undefined
  return JSON.parse(body) as NumberedDecision | { last: number }
}
