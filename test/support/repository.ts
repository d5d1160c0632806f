// Where the sources are, from a test that runs out of dist.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function findRoot(from: string): string {
  return existsSync(join(from, 'biome.json')) ? from : findRoot(dirname(from))
}

export const repositoryRoot = findRoot(dirname(fileURLToPath(import.meta.url)))
