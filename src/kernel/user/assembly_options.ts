// How AssemblyScript is compiled for kernels. Part of the name under which results are cached.

/**
 * Options of asc. A run's memory is thrown away when it ends, so by default nothing is collected
 * meanwhile (runtime stub): a typed array that is handed to a function costs nothing then, where
 * the collector's shadow stack takes as long again as the arithmetic. Assertions stay: an index out
 * of range is an error and not another value. SIMD is there for who writes v128.
 */
export function assemblyOptions(collectGarbage: boolean): string[] {
  return [
    '--optimizeLevel',
    '3',
    '--shrinkLevel',
    '0',
    '--enable',
    'simd',
    '--runtime',
    collectGarbage ? 'incremental' : 'stub',
    '--importMemory',
    '--noExportMemory',
    '--sourceMap',
    '--noColors',
  ]
}
