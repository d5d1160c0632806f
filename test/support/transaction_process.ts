// A process that takes transactions (transaction_worker.ts), and what it said of them. Used by the
// system tests of transactions.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { deferred } from '../../src/deferred.ts'
import type { LedgerPlace, TransactionLedger } from './transaction_ledger.ts'

export interface TransactionChoice {
  readonly brokers: string
  readonly place: LedgerPlace
  readonly transactionalId: string
  readonly versionsMax?: Readonly<Record<string, number>>
  readonly transactions: number
}

export class TransactionProcess {
  readonly #child: ChildProcess
  readonly #outcomes: TransactionLedger['outcomes']
  readonly #first = deferred()
  readonly #gone = deferred()

  /** Resolves when it has taken its first transaction. */
  static async start(
    choice: TransactionChoice,
    outcomes: TransactionLedger['outcomes'],
  ): Promise<TransactionProcess> {
    const child = new TransactionProcess(choice, outcomes)
    await child.#first.promise
    return child
  }

  private constructor(choice: TransactionChoice, outcomes: TransactionLedger['outcomes']) {
    this.#outcomes = outcomes
    const program = fileURLToPath(new URL('./transaction_worker.js', import.meta.url))
    this.#child = spawn(process.execPath, [program, JSON.stringify(choice)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#outcomes.push(line as TransactionLedger['outcomes'][number])
      this.#first.resolve()
    })
    this.#child.on('close', () => {
      this.#first.reject(new Error('the process ended before its first transaction'))
      this.#gone.resolve()
    })
  }

  /** Takes the other transactions; resolves when the process is gone. */
  async finish(): Promise<void> {
    this.#child.stdin!.end()
    await this.#gone.promise
  }

  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
