// One broker of a test's Kafka: a process that can be stopped, killed, stopped short and started
// again over the same data. Called by kafka.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const startTimeoutMs = 60_000
/** A clean stop hands leaders over first; one that takes longer is killed. */
const stopTimeoutMs = 20_000
const linesKept = 30

export class KafkaNode {
  readonly id: number
  /** Of the plain listener, without anything in front. */
  readonly port: number
  readonly #command: readonly string[]
  #child: ChildProcess | undefined

  /** `command`: arguments of java. */
  constructor(id: number, port: number, command: readonly string[]) {
    this.id = id
    this.port = port
    this.#command = command
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Resolves at the broker's own "started" line. */
  async start(): Promise<void> {
    const child = spawnJava(this.#command)
    this.#child = child
    try {
      await started(child)
    } catch (error) {
      await this.kill()
      throw error
    }
  }

  /** Lets it hand over and end. */
  async stop(): Promise<void> {
    const child = this.#child
    const timer = setTimeout(() => child?.kill('SIGKILL'), stopTimeoutMs)
    await this.#end('SIGTERM')
    clearTimeout(timer)
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Stands still: connections stay open, nothing is answered. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
}

/** Runs one of Kafka's tools to its end, with what it prints; rejects with its last lines. */
export async function runTool(what: string, command: readonly string[]): Promise<string> {
  const child = spawnJava(command)
  let printed = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const lines = lastLines(child)
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${what} failed:\n${lines.join('\n')}`)
  return printed
}

/** Gone with this process, however it ends, as far as it can see its end. */
const children = new Set<ChildProcess>()
const directories = new Set<string>()

/** Deletes the directory now, or when this process ends. */
export function keepUntilExit(directory: string): () => void {
  watchExit()
  directories.add(directory)
  return () => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
    directories.delete(directory)
  }
}

function spawnJava(command: readonly string[]): ChildProcess {
  watchExit()
  const child = spawn('java', command, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

let isWatching = false

function watchExit(): void {
  if (isWatching) return
  isWatching = true
  process.once('exit', clean)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      clean()
      process.kill(process.pid, signal)
    })
}

function clean(): void {
  for (const child of children) child.kill('SIGKILL')
  for (const directory of directories)
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
}

/** Its last lines, as they come. */
function lastLines(child: ChildProcess, onLine: (line: string) => void = () => {}): string[] {
  const lines: string[] = []
  for (const stream of [child.stdout!, child.stderr!])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > linesKept) lines.shift()
      onLine(line)
    })
  return lines
}

function started(broker: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`Kafka ${what}:\n${lines.join('\n')}`))
    const timer = setTimeout(() => fail(`did not start in ${startTimeoutMs} ms`), startTimeoutMs)
    const lines = lastLines(broker, (line) => {
      if (!line.includes('Kafka Server started')) return
      clearTimeout(timer)
      resolve()
    })
    broker.once('error', reject)
    broker.once('close', (code, signal) => {
      clearTimeout(timer)
      fail(`ended (${code ?? signal}) at start`)
    })
  })
}
