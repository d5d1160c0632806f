// What the host and other kernels call; each function works on raw pointers into the shared memory.
export { moveHeap } from './cells'
export { consume } from './consume'
export { crc32c } from './crc32c'
export { absorb, drain, evict } from './drain'
export { extractJson } from './json/extract'
export { lz4Decode } from './lz4'
export { snappyDecode } from './snappy'
