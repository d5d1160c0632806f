// The column kernels for AVX2.
#include "cpu.h"

#if defined(EUPHORION_X64)
#define COLUMN_WIDTH 4
#include "columns_series.h"

namespace euphorion {
const ColumnSet columns_avx2 = {kernels_of<double>(), kernels_of<float>()};
}
#endif
