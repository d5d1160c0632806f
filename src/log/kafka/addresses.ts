// Where brokers are. Used by Cluster and BrokerPool.

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
