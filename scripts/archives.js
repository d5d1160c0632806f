// Takes single files out of archives that are in memory: of a zip (a jar), and of a tar.gz (a
// crate). Called by build_native_store.js.
import { gunzipSync, inflateRawSync } from 'node:zlib'

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const deflated = 8
const tarBlockBytes = 512

/** The file of that name; undefined where the zip has none. */
export function fileOfZip(zip, wanted) {
  // The end record is 22 bytes and a comment, which jars do not have.
  const end = zip.length - 22
  if (end < 0 || zip.readUInt32LE(end) !== endSignature) throw new Error('it is no zip')
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== entrySignature) throw new Error('it is a damaged zip')
    const nameBytes = zip.readUInt16LE(at + 28)
    if (zip.toString('utf8', at + 46, at + 46 + nameBytes) === wanted) return inflate(zip, at)
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return undefined
}

function inflate(zip, entry) {
  const local = zip.readUInt32LE(entry + 42)
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const bytes = zip.subarray(start, start + zip.readUInt32LE(entry + 20))
  return zip.readUInt16LE(entry + 10) === deflated ? inflateRawSync(bytes) : bytes
}

/** The files whose names end so, by that ending. */
export function filesOfTarGz(archive, endings) {
  const tar = gunzipSync(archive)
  const files = new Map()
  for (let at = 0; at + tarBlockBytes <= tar.length && tar[at] !== 0; ) {
    const name = text(tar, at, 100)
    const bytes = Number.parseInt(text(tar, at + 124, 12), 8)
    const prefix = text(tar, at + 345, 155)
    const path = prefix === '' ? name : `${prefix}/${name}`
    const ending = endings.find((each) => path.endsWith(`/${each}`))
    const start = at + tarBlockBytes
    if (ending !== undefined) files.set(ending, tar.subarray(start, start + bytes))
    at = start + Math.ceil(bytes / tarBlockBytes) * tarBlockBytes
  }
  return files
}

function text(tar, at, bytes) {
  return tar
    .toString('utf8', at, at + bytes)
    .split('\0')[0]
    .trim()
}
