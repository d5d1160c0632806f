// Text as kernels write it: UTF-8, with three bytes for a surrogate that has no partner. Read by
// keys of cells and by columns of batches.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of bytes that a kernel or encodeCellKey has written. */
export function decodeWtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return readWtf8(bytes)
  }
}

function readWtf8(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at]
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    let code = length === 1 ? lead : lead & (0xff >> (length + 1))
    for (let next = at + 1; next < at + length; next++) code = (code << 6) | (bytes[next] & 63)
    text += String.fromCodePoint(code)
    at += length
  }
  return text
}
