// A promise that somebody else settles: Promise.withResolvers, which Node 20 does not have.

export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  // Whoever waits hears of a rejection; that nobody waits is no failure of the process.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
