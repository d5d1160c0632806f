// Forked by tests: serves a local socket until it is killed.
import { serveLocal } from '../../src/wire/local_socket.ts'

await serveLocal(process.argv[2], {
  async pid() {
    return { value: process.pid }
  },
})
process.send?.('ready')
setInterval(() => {}, 60_000)
