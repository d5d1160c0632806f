// The version in which each request is spoken with one broker: the highest that both sides know.
// Made by Connection from the broker's answer to ApiVersions.
import { EuphorionError } from '../errors.ts'
import type { RequestType } from './request.ts'
import type { ApiVersionsAnswer } from './requests/api_versions.ts'

type ApiRange = ApiVersionsAnswer['apiKeys'][number]

export class VersionTable {
  readonly #ranges: ReadonlyMap<number, ApiRange>
  readonly #most: Readonly<Record<string, number>>
  readonly #peer: string

  /** `most` bounds versions by the request's name; `peer` is named in errors. */
  constructor(ranges: readonly ApiRange[], most: Readonly<Record<string, number>>, peer: string) {
    this.#ranges = new Map(ranges.map((range) => [range.apiKey, range]))
    this.#most = most
    this.#peer = peer
  }

  /** CAPABILITY_MISSING where there is none. */
  of({
    name,
    apiKey,
    versions,
  }: Pick<RequestType<never, unknown>, 'name' | 'apiKey' | 'versions'>) {
    const range = this.#ranges.get(apiKey)
    const [lowest, highest] = versions
    const version = Math.min(highest, range?.maxVersion ?? -1, this.#most[name] ?? highest)
    if (version >= lowest && version >= (range?.minVersion ?? 0)) return version
    const broker = range ? `versions ${range.minVersion} to ${range.maxVersion}` : 'none'
    throw new EuphorionError(
      'CAPABILITY_MISSING',
      `${this.#peer} knows ${broker} of the request ${name}, ${lowest} to ${highest} are wanted`,
    )
  }
}
