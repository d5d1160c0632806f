// What the main thread and the thread of a group membership say to each other.

import type { ErrorCode, ErrorPlace } from '../../errors.ts'
import type { OAuthToken } from '../../wire/login.ts'
import type { TopicPartition } from '../log.ts'
import type { ToldFacts } from '../member_state.ts'
import type { ClusterOptions } from './cluster.ts'
import type { JoinedNews } from './group_leader.ts'
import type { GroupNews } from './group_news.ts'
import type { MemberIdentity, MemberOptions } from './member_ports.ts'

/** What the thread is given at its start; nothing of it is a function. */
export interface MembershipThreadData {
  readonly member: MemberOptions
  readonly cluster: Omit<ClusterOptions, 'clock' | 'random'>
  /** Logs in by OAUTHBEARER, with tokens of the main thread. */
  readonly asksForTokens: boolean
  readonly progressTimeoutMs: number
}

/** An error without its class, which does not cross threads. */
export interface PlainError {
  readonly code: ErrorCode
  readonly message: string
  readonly place: ErrorPlace
}

export type FromThread =
  | { readonly kind: 'ready' }
  /** To be answered with 'alive' by the next turn of the event loop. */
  | { readonly kind: 'beat' }
  | { readonly kind: 'identity'; readonly identity: MemberIdentity | undefined }
  /** Of each round, before what it assigns. */
  | { readonly kind: 'group'; readonly news: GroupNews }
  /** To be answered with 'done' when the engine has them. */
  | { readonly kind: 'assigned'; readonly id: number; readonly partitions: TopicPartition[] }
  /** To be answered with 'done' when the engine has given them up. */
  | {
      readonly kind: 'revoked'
      readonly id: number
      readonly partitions: TopicPartition[]
      readonly lost: boolean
    }
  /** To be answered with 'token'. */
  | { readonly kind: 'token'; readonly id: number }
  | { readonly kind: 'joined'; readonly news: JoinedNews }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'closed' }

export type ToThread =
  | { readonly kind: 'alive' }
  | { readonly kind: 'done'; readonly id: number }
  /** Undefined: there is none to be had. */
  | { readonly kind: 'token'; readonly id: number; readonly token: OAuthToken | undefined }
  /** Comes whenever the facts have changed, at the latest with the next beat. */
  | { readonly kind: 'facts'; readonly facts: ToldFacts }
  | { readonly kind: 'rejoin'; readonly reason: string }
  | { readonly kind: 'subscribe'; readonly topics: readonly string[] }
  | { readonly kind: 'close'; readonly leave: boolean | undefined }
