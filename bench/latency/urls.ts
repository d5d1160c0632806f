// The keys of latency runs: urls such that each partition has the same number of them. Used by the
// feed and by the checks.
import { partitionOfKey } from '../../src/log/partitioner.ts'

export interface UrlPlace {
  readonly partition: number
  /** Its number among the keys of the partition. */
  readonly key: number
}

export class Urls {
  /** By partition and number. */
  readonly texts: readonly (readonly string[])[]
  readonly #places = new Map<string, UrlPlace>()

  constructor(partitions: number, keys: number) {
    const texts: string[][] = Array.from({ length: partitions }, () => [])
    for (let page = 0; this.#places.size < partitions * keys; page++) {
      const url = `/page/${page}`
      const partition = partitionOfKey(Buffer.from(url), partitions)
      const own = texts[partition]
      if (own.length === keys) continue
      this.#places.set(url, { partition, key: own.length })
      own.push(url)
    }
    this.texts = texts
  }

  /** Throws where nobody has made the url. */
  placeOf(url: string): UrlPlace {
    const place = this.#places.get(url)
    if (place === undefined) throw new Error(`there is no ${url} among the keys`)
    return place
  }
}
