#include "mandelbrot.h"

namespace euphorion {

namespace {

int32_t count_at(double cx, double cy, int32_t iterations) {
  double x = cx;
  double y = cy;
  for (int32_t n = 0; n < iterations; ++n) {
    const double x2 = x * x;
    const double y2 = y * y;
    if (x2 + y2 >= 4.0) return n;
    y = (x + x) * y + cy;
    x = x2 - y2 + cx;
  }
  return iterations;
}

}  // namespace

void plain_columns(int32_t* counts, const MandelbrotSlice& slice) {
  const MandelbrotGrid& grid = slice.grid;
  for (int64_t i = slice.first; i < slice.end; ++i) {
    const double cx = grid_point(grid.x_from, grid.x_to, grid.nx, i);
    int32_t* const column = counts + (i - slice.first) * grid.ny;
    for (int64_t j = 0; j < grid.ny; ++j) {
      column[j] = count_at(cx, grid_point(grid.y_from, grid.y_to, grid.ny, j), slice.iterations);
    }
  }
}

void mandelbrot_columns(int32_t* counts, const MandelbrotSlice& slice, InstructionSet set) {
  switch (set) {
#ifdef EUPHORION_ARM64
    case InstructionSet::neon:
      return mandelbrot_columns_neon(counts, slice);
#endif
#ifdef EUPHORION_X64
    case InstructionSet::sse2:
      return mandelbrot_columns_sse2(counts, slice);
    case InstructionSet::avx2:
      return mandelbrot_columns_avx2(counts, slice);
    case InstructionSet::avx512:
      return mandelbrot_columns_avx512(counts, slice);
#endif
    default:
      return plain_columns(counts, slice);
  }
}

}  // namespace euphorion
