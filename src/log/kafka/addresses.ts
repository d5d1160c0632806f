// Where brokers are. Used by Cluster and BrokerPool.
import type { Random } from '../../clock.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Of 'host:port' or '[IPv6]:port'. */
export function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':')
  const host = broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(broker.slice(colon + 1)) }
}

/** In an order by chance, so that the first broker of a list does not get all the clients. */
export function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value)
}
