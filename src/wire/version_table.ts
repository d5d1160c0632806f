// The version in which each request is spoken with one broker: the highest that both sides know.
// Made by Connection from the broker's answer to ApiVersions.
import { EuphorionError } from '../errors.ts'
import type { RequestType } from './request.ts'
import type { ApiVersionsAnswer } from './requests/api_versions.ts'
import { requests } from './requests.ts'

type Versioned = Pick<RequestType<never, unknown>, 'name' | 'apiKey' | 'versions'>
type ApiRange = ApiVersionsAnswer['apiKeys'][number]
type Offer = Pick<ApiVersionsAnswer, 'apiKeys' | 'finalizedFeatures'>

/** What a cluster does from a level of one of its features on, and the requests that ask for it. */
export interface Feature {
  /** 'transaction.version' */
  readonly name: string
  readonly level: number
  readonly requests: readonly Versioned[]
}

export class VersionTable {
  readonly #ranges: ReadonlyMap<number, ApiRange>
  /** Finalized levels by name. */
  readonly #levels: ReadonlyMap<string, number>
  readonly #most: Readonly<Record<string, number>>
  readonly #peer: string
  /** Of all requests that have one, looked up once. */
  readonly #versions = new Map<object, number>()

  /** `most` bounds versions by the request's name; `peer` is named in errors. */
  constructor(
    { apiKeys, finalizedFeatures }: Offer,
    most: Readonly<Record<string, number>>,
    peer: string,
  ) {
    this.#ranges = new Map(apiKeys.map((range) => [range.apiKey, range]))
    this.#levels = new Map(finalizedFeatures.map(({ name, max }) => [name, max]))
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

  /** Whether the cluster does that, and both sides know the requests for it. */
  does({ name, level, requests: needed }: Feature): boolean {
    if ((this.#levels.get(name) ?? 0) < level) return false
    return needed.every((type) => this.#common(type) !== undefined)
  }

  #common({ name, apiKey, versions: [lowest, highest] }: Versioned): number | undefined {
    const range = this.#ranges.get(apiKey)
    const version = Math.min(highest, range?.maxVersion ?? -1, this.#most[name] ?? highest)
    return version >= lowest && version >= (range?.minVersion ?? 0) ? version : undefined
  }
}
