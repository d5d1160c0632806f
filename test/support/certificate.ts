// X.509 certificates for tests, put together byte by byte: no tool has to be installed, and a test
// may have one for another name or of yesterday. Called by kafka.ts and by tests of TLS.
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** Both as PEM. */
export interface Certificate {
  readonly subject: string
  readonly certificate: string
  /** PKCS #8. */
  readonly key: string
}

export interface CertificateOptions {
  /** Its common name. */
  readonly subject: string
  /** DNS names and IPv4 addresses that it is for; none: an authority that signs others. */
  readonly names?: readonly string[]
  /** Who signs it; default: itself. */
  readonly issuer?: Certificate
  /** Default: for a day, since a day ago. */
  readonly notAfter?: Date
}

const dayMs = 86_400_000

/** A new P-256 key and a certificate for it. */
export function makeCertificate(options: CertificateOptions): Certificate {
  const { subject, names, issuer } = options
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const notAfter = options.notAfter ?? new Date(Date.now() + dayMs)
  const body = sequence(
    tagged(0xa0, integer(Uint8Array.of(2))),
    integer(Buffer.concat([Uint8Array.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    name(issuer?.subject ?? subject),
    sequence(time(new Date(notAfter.getTime() - 2 * dayMs)), time(notAfter)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(names === undefined ? isAuthority : alternativeNames(names))),
  )
  const signer = issuer === undefined ? privateKey : createPrivateKey(issuer.key)
  const certificate = sequence(body, ecdsaWithSha256, bits(sign('sha256', body, signer)))
  return {
    subject,
    certificate: pem('CERTIFICATE', certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

/** A DER value. */
function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Uint8Array.of(tag, ...size), content])
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => tagged(0x30, ...parts)
const integer = (bytes: Uint8Array): Buffer => tagged(0x02, bytes)
const octets = (...parts: readonly Uint8Array[]): Buffer => tagged(0x04, ...parts)
const bits = (bytes: Uint8Array): Buffer => tagged(0x03, Uint8Array.of(0), bytes)
const objectId = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'))
const yes = Buffer.from('0101ff', 'hex')

const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'))
const isAuthority = sequence(objectId('551d13'), yes, octets(sequence(yes)))

function name(commonName: string): Buffer {
  const text = tagged(0x0c, Buffer.from(commonName))
  return sequence(tagged(0x31, sequence(objectId('550403'), text)))
}

function alternativeNames(names: readonly string[]): Buffer {
  const each = names.map((one) =>
    isIP(one) === 4
      ? tagged(0x87, Uint8Array.from(one.split('.').map(Number)))
      : tagged(0x82, Buffer.from(one)),
  )
  return sequence(objectId('551d11'), octets(sequence(...each)))
}

/** UTCTime: YYMMDDhhmmssZ. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[^\d]/g, '').slice(2, 14)
  return tagged(0x17, Buffer.from(`${digits}Z`))
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
