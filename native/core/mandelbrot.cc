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

void plain_points(int32_t* counts, const MandelbrotSlice& slice) {
  const MandelbrotGrid& grid = slice.grid;
  for (int64_t point = slice.first; point < slice.end; ++point) {
    const double cx = grid_point(grid.x_from, grid.x_to, grid.nx, point / grid.ny);
    const double cy = grid_point(grid.y_from, grid.y_to, grid.ny, point % grid.ny);
    *counts++ = count_at(cx, cy, slice.iterations);
  }
}

void mandelbrot_points(int32_t* counts, const MandelbrotSlice& slice, InstructionSet set) {
  switch (set) {
#ifdef EUPHORION_ARM64
    case InstructionSet::neon:
      return mandelbrot_points_neon(counts, slice);
#endif
#ifdef EUPHORION_X64
    case InstructionSet::sse2:
      return mandelbrot_points_sse2(counts, slice);
    case InstructionSet::avx2:
      return mandelbrot_points_avx2(counts, slice);
    case InstructionSet::avx512:
      return mandelbrot_points_avx512(counts, slice);
#endif
    default:
      return plain_points(counts, slice);
  }
}

}  // namespace euphorion
