// The column kernels for every processor of the architecture.
#define COLUMN_WIDTH 2
#include "columns_series.h"

namespace euphorion {
const ColumnSet columns_baseline = {kernels_of<double>(), kernels_of<float>()};
}
