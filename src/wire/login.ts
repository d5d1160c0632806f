// How a client logs in to a broker, as users and settings say it. Carried out by sasl.ts.

export type SaslOptions = PasswordLogin | TokenLogin

export interface PasswordLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface TokenLogin {
  readonly mechanism: 'oauthbearer'
  /** Asked at each login, which a broker may want again and again. */
  readonly token: () => Promise<OAuthToken>
}

export interface OAuthToken {
  /** As it goes over the wire. */
  readonly value: string
  /** What the broker is told besides (KIP-342): names of letters, printable values. */
  readonly extensions?: Readonly<Record<string, string>>
}
