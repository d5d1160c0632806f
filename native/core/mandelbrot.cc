#include "mandelbrot.h"

namespace euphorion {

int32_t mandelbrot_count(double cx, double cy, int32_t iterations) {
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

void mandelbrot_columns(int32_t* counts, const MandelbrotSlice& slice, InstructionSet) {
  const MandelbrotGrid& grid = slice.grid;
  for (int64_t i = slice.first; i < slice.end; ++i) {
    const double cx = grid_point(grid.x_from, grid.x_to, grid.nx, i);
    int32_t* const column = counts + (i - slice.first) * grid.ny;
    for (int64_t j = 0; j < grid.ny; ++j) {
      const double cy = grid_point(grid.y_from, grid.y_to, grid.ny, j);
      column[j] = mandelbrot_count(cx, cy, slice.iterations);
    }
  }
}

}  // namespace euphorion
