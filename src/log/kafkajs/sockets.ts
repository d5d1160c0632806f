// The sockets of the kafkajs clients of one log. Where two requests find a broker unconnected,
// kafkajs 2.2.4 opens two connections and forgets one: nobody else could close that. Owned by
// KafkajsLog.
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const keepAliveMs = 60_000

export class Sockets {
  readonly #open = new Set<Socket>()

  /** Opens as kafkajs does by itself. */
  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const servername = isIP(host) ? {} : { servername: host }
    const socket = ssl
      ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
      : connect({ host, port }, onConnect)
    socket.setKeepAlive(true, keepAliveMs)
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }

  /** Closes what the clients have left open. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }
}
