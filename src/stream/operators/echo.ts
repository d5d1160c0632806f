// Sends each event to all targets at once, and waits for them. Used by EventStream.echo().
import type { Event } from '../events.ts'
import { sendTo, type Target } from './target.ts'

/** Rejects with what the first of them rejects with, once all have ended. */
export async function echoTo<K, V>(
  targets: readonly Target<K, V>[],
  event: Event<K, V>,
): Promise<void> {
  const sent = await Promise.allSettled(targets.map((target) => sendTo(target, event)))
  for (const each of sent) if (each.status === 'rejected') throw each.reason
}
