// Has the C library keep what is freed. Batches are copied for agents, some MiB at a time, and
// glibc gives blocks of 128 KiB and more back to the system when they are freed: every copy would
// fault its pages in again, a tenth of the CPU time. Called where agents are opened.

/** The most that glibc learns from (DEFAULT_MMAP_THRESHOLD_MAX), with room for its header. */
const BLOCK_BYTES = 32 * 2 ** 20 - 8192

let isDone = false

/**
 * The threshold is that of the largest block that was ever freed (mallopt(3), M_MMAP_THRESHOLD), so
 * one is made and freed; no page of it is touched. Up to 64 MiB stay with the process from then on.
 * Other C libraries take no notice.
 */
export function keepFreedMemory(): void {
  if (isDone) return
  isDone = true
  const block = new ArrayBuffer(BLOCK_BYTES)
  // freed at once, not by some garbage collection: nobody receives it
  const { port1, port2 } = new MessageChannel()
  port2.close()
  port1.postMessage(undefined, [block])
  port1.close()
}
