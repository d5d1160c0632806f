// The column kernels for every processor of the architecture.
#define COLUMN_WIDTH 2
#include "columns_vector.h"
#include "columns_kernels.h"
#include "columns_series.h"

namespace euphorion {
const ColumnSet columnsBaseline = {kernelsOf<double>(), kernelsOf<float>()};
}
