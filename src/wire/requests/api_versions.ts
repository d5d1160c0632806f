// ApiVersions: which requests and versions a broker speaks, and the features of its cluster. The
// first request on every connection; asked again in version 0 by a broker that knows only that.
import type { RequestType } from '../request.ts'

export interface ApiVersionsBody {
  /** Letters, digits, dots and dashes; shown in the broker's metrics (KIP-511). */
  readonly clientSoftwareName: string
  readonly clientSoftwareVersion: string
}

export interface ApiVersionsAnswer {
  /** UNSUPPORTED_VERSION comes in version 0, with the versions of ApiVersions itself. */
  readonly errorCode: number
  readonly apiKeys: readonly {
    readonly apiKey: number
    readonly minVersion: number
    readonly maxVersion: number
  }[]
  readonly throttleTimeMs: number
  /** What the brokers could do, as ranges (KIP-584). */
  readonly supportedFeatures: readonly FeatureRange[]
  /** -1: unknown. */
  readonly finalizedFeaturesEpoch: number
  /** What the cluster does: `transaction.version`, `group.version`, … */
  readonly finalizedFeatures: readonly FeatureRange[]
}

export interface FeatureRange {
  readonly name: string
  readonly min: number
  readonly max: number
}

export const apiVersionsRequest: RequestType<ApiVersionsBody, ApiVersionsAnswer> = {
  name: 'ApiVersions',
  apiKey: 18,
  versions: [0, 3],
  flexibleFrom: 3,

  encode(to, body, version) {
    if (version < 3) return
    to.string(body.clientSoftwareName)
    to.string(body.clientSoftwareVersion)
    to.end()
  },

  decode(from, version) {
    const errorCode = from.int16()
    const apiKeys = from.structures(() => ({
      apiKey: from.int16(),
      minVersion: from.int16(),
      maxVersion: from.int16(),
    }))
    const throttleTimeMs = version >= 1 ? from.int32() : 0
    let supportedFeatures: readonly FeatureRange[] = []
    let finalizedFeatures: readonly FeatureRange[] = []
    let finalizedFeaturesEpoch = -1
    from.tags((tag, value) => {
      if (tag === 0) {
        supportedFeatures = value.structures(() => ({
          name: value.string(),
          min: value.int16(),
          max: value.int16(),
        }))
      } else if (tag === 1) finalizedFeaturesEpoch = value.int64()
      else if (tag === 2) {
        // Here the highest level comes first.
        finalizedFeatures = value.structures(() => ({
          name: value.string(),
          max: value.int16(),
          min: value.int16(),
        }))
      }
    })
    return {
      errorCode,
      apiKeys,
      throttleTimeMs,
      supportedFeatures,
      finalizedFeaturesEpoch,
      finalizedFeatures,
    }
  },
}
