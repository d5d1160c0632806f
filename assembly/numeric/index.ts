// Numeric kernels, called by the threads of the kernel pool; each function works on raw pointers
// into the memory that the pool shares.
export * from './column'
export { ready } from './ready'
export { mandelbrotBegin, mandelbrotRun } from './mandelbrot'
