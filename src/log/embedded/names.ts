// Names of topics and groups as directory and file names that every file system keeps apart:
// capital letters are marked, and names too long for a file are cut and hashed.
import { createHash } from 'node:crypto'
import { EuphorionError } from '../../errors.ts'

const encodedMax = 180

/** TOPIC_INVALID unless Kafka would accept the name. */
export function checkTopicName(name: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new EuphorionError('TOPIC_INVALID', `'${name}' cannot be the name of a topic`)
}

/** `prefix` keeps reserved names ("con", "..") away; different names give different results. */
export function fileName(prefix: string, name: string): string {
  const encoded = name
    .replace(/[^a-z0-9._-]/gu, (character) =>
      /[A-Z]/.test(character)
        ? `^${character.toLowerCase()}`
        : `%${Buffer.from(character).toString('hex')}`,
    )
    .replace(/\.$/, '%2e')
  if (encoded.length <= encodedMax) return `${prefix}${encoded}`
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32)
  return `${prefix}${encoded.slice(0, encodedMax - 40)}~${hash}`
}
