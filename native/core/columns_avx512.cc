// The column kernels for AVX-512.
#include "cpu.h"

#if defined(EUPHORION_X64)
#define COLUMN_WIDTH 8
#include "columns_series.h"

namespace euphorion {
const ColumnSet columns_avx512 = {kernels_of<double>(), kernels_of<float>()};
}
#endif
