// What the host and other kernels call; each function works on raw pointers into the shared memory.
export { crc32c } from './crc32c'
export { extractJson } from './json/extract'
