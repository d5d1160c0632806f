// Hands out ids of idempotent producers, never one twice in the life of a log directory: each
// opening takes a new block of numbers.
import { join } from 'node:path'
import { fileError, readIfThere, replaceFile } from './files.ts'

const blockSize = 1_000_000

export class ProducerIds {
  #next: number

  private constructor(first: number) {
    this.#next = first
  }

  static async open(root: string): Promise<ProducerIds> {
    const path = join(root, 'producer-block')
    const block = Number((await readIfThere(path))?.toString('utf8') ?? 0) || 0
    try {
      await replaceFile(path, String(block + 1), true)
    } catch (error) {
      throw fileError(error, path)
    }
    return new ProducerIds(block * blockSize)
  }

  next(): number {
    return this.#next++
  }
}
