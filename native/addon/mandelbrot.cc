#include "../core/mandelbrot.h"

#include "arguments.h"
#include "functions.h"

namespace euphorion {

/**
 * mandelbrotPoints(counts, nx, ny, xFrom, xTo, yFrom, yTo, iterations, shortcuts, first, end):
 * fills counts[i * ny + j - first] for the points from first up to end.
 */
napi_value call_mandelbrot_points(napi_env env, napi_callback_info info) {
  constexpr int64_t int32_max = 0x7fffffff;
  Arguments arguments(env, info, 11);
  const Elements counts = arguments.typed_array(0, "counts", napi_int32_array);
  MandelbrotSlice slice;
  slice.grid.nx = arguments.integer(1, "nx", 0, int32_max);
  slice.grid.ny = arguments.integer(2, "ny", 0, int32_max);
  slice.grid.x_from = arguments.number(3, "xFrom");
  slice.grid.x_to = arguments.number(4, "xTo");
  slice.grid.y_from = arguments.number(5, "yFrom");
  slice.grid.y_to = arguments.number(6, "yTo");
  slice.iterations = static_cast<int32_t>(arguments.integer(7, "iterations", 0, int32_max));
  slice.shortcuts = arguments.boolean(8, "shortcuts");
  const int64_t points = slice.grid.nx * slice.grid.ny;
  slice.first = arguments.integer(9, "first", 0, points);
  slice.end = arguments.integer(10, "end", slice.first, points);
  arguments.room("counts", counts, static_cast<size_t>(slice.end - slice.first));
  if (arguments.failed()) return nullptr;
  mandelbrot_points(static_cast<int32_t*>(counts.data), slice, instruction_set());
  return nullptr;
}

}  // namespace euphorion
