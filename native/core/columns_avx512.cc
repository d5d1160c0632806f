// The column kernels for AVX-512. The pragma holds for all that follows, and all of that is local to
// this file: nothing compiled for AVX-512 can be linked in place of code for other processors.
#if defined(__x86_64__) || defined(_M_X64)
#define COLUMN_WIDTH 8
#include "columns.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl")
#endif
#include "columns_vector.h"
#include "columns_kernels.h"
#include "columns_series.h"

namespace euphorion {
const ColumnSet columnsAvx512 = {kernelsOf<double>(), kernelsOf<float>()};
}
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
