// The version in which each request is spoken with one broker: the highest that both sides know.
// Made by Connection from the broker's answer to ApiVersions.
import { EuphorionError } from '../errors.ts'
import type { RequestType } from './request.ts'
import type { ApiVersionsAnswer } from './requests/api_versions.ts'
import { requests } from './requests.ts'

type Versioned = Pick<RequestType<never, unknown>, 'name' | 'apiKey' | 'versions'>
type ApiRange = ApiVersionsAnswer['apiKeys'][number]

export class VersionTable {
  readonly #ranges: ReadonlyMap<number, ApiRange>
  readonly #most: Readonly<Record<string, number>>
  readonly #peer: string
  /** Of all requests that have one, looked up once. */
  readonly #versions = new Map<object, number>()

  /** `most` bounds versions by the request's name; `peer` is named in errors. */
  constructor(ranges: readonly ApiRange[], most: Readonly<Record<string, number>>, peer: string) {
    this.#ranges = new Map(ranges.map((range) => [range.apiKey, range]))
    this.#most = most
    this.#peer = peer
    for (const type of Object.values(requests)) {
      const version = this.#common(type)
      if (version !== undefined) this.#versions.set(type, version)
    }
  }

  /** CAPABILITY_MISSING where there is none. */
  of(type: Versioned): number {
    const version = this.#versions.get(type) ?? this.#common(type)
    if (version !== undefined) return version
    const { name, apiKey } = type
    const range = this.#ranges.get(apiKey)
    const [lowest, highest] = type.versions
    const broker = range ? `versions ${range.minVersion} to ${range.maxVersion}` : 'none'
    throw new EuphorionError(
      'CAPABILITY_MISSING',
      `${this.#peer} knows ${broker} of the request ${name}, ${lowest} to ${highest} are wanted`,
    )
  }

  #common({ name, apiKey, versions: [lowest, highest] }: Versioned): number | undefined {
    const range = this.#ranges.get(apiKey)
    const version = Math.min(highest, range?.maxVersion ?? -1, this.#most[name] ?? highest)
    return version >= lowest && version >= (range?.minVersion ?? 0) ? version : undefined
  }
}
