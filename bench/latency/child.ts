// A process of a latency run that answers questions one after the other: what asks it, and what it
// is itself. Used by trial.ts, worker.ts and feeder.ts.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export class Child {
  readonly #process: ChildProcess
  readonly #ended: Promise<never>

  /** `program`: './worker.js', beside this file. */
  constructor(program: string) {
    const child = fork(fileURLToPath(new URL(program, import.meta.url)))
    this.#process = child
    this.#ended = new Promise((_, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) =>
        reject(new Error(`${program} ended early (${signal ?? `exit code ${code}`})`)),
      )
    })
    this.#ended.catch(() => undefined)
  }

  /** Rejects where it ends without an answer; why is on standard error. */
  async ask<Answer>(question: object): Promise<Answer> {
    const answer = once(this.#process, 'message')
    this.#process.send(question)
    const [given] = await Promise.race([answer, this.#ended])
    return given as Answer
  }

  /** Resolves when it is gone. */
  async end(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended.catch(() => undefined)
  }
}

/** The question that the parent asks next. */
export async function nextQuestion<Question>(): Promise<Question> {
  const [question] = await once(process, 'message')
  return question as Question
}

/** Sends the answer; resolves when it is on its way. */
export function answer(given: object): Promise<void> {
  return new Promise((resolve) => process.send?.(given, undefined, undefined, () => resolve()))
}

/** Runs the program of a child; what it throws goes to standard error. */
export async function runChild(run: () => Promise<void>): Promise<void> {
  process.once('disconnect', () => process.exit(1))
  try {
    await run()
    process.exit(0)
  } catch (error) {
    console.error(error)
    process.exit(1)
  }
}
