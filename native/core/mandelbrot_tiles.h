// The vector Mandelbrot, once for all widths: included by mandelbrot_<set>.cc after the struct
// Lanes, the arithmetic of that set. All of it has internal linkage: each file's code is compiled
// with its own flags, and must not be taken for another's by the linker.
//
// Points go through stages. What survives one is packed densely for the next, so that no lane
// idles for long:
//
//   coordinates ─▶ 8 steps with tests ─▶ to step 16 ─▶ to step 32 ─▶ … ─▶ iterations
//                    │ escaped             │              │                  │
//                    ▼                     ▼              ▼                  ▼
//                  counts                counts         counts        in the set: `iterations`
//
// After the first stage, spans of 8 to 32 steps run without tests. Once |z|² has reached 4 it stays
// above 3.99 (|c| < 2 there) or overflows, so a span that ended below 3.99 had no escape in it;
// another is done again from its start, with tests. All steps round as the plain loop does.
//
// A stage starts from states that it remembers: a point that comes back to its own, bit for bit, is
// in a cycle and never escapes. Stages double in length, so a cycle of any length is found (Brent).

namespace {

constexpr int vectors = Lanes::vectors;
constexpr int width = Lanes::width;
constexpr int tile = vectors * width;
constexpr int block_steps = 8;
constexpr int span_steps_max = 32;
constexpr int points_max = 2048;
constexpr unsigned all_lanes = (1u << width) - 1;

using Vector = Lanes::Vector;

/** One vector of points between steps. */
struct State {
  Vector x, y;

  Vector magnitude() const { return Lanes::add(Lanes::mul(x, x), Lanes::mul(y, y)); }
};

/** The points still at work, all after the same number of steps; room for one tile more. */
struct alignas(64) Points {
  double x[points_max + tile];
  double y[points_max + tile];
  double cx[points_max + tile];
  double cy[points_max + tile];
  /** Index of the point's count: whole numbers, as doubles because they are packed with these. */
  double place[points_max + tile];
  int count = 0;

  void keep(unsigned alive, const State& s, Vector at_cx, Vector at_cy, Vector at_place) {
    if (alive == 0) return;
    Lanes::pack(x + count, s.x, alive);
    Lanes::pack(y + count, s.y, alive);
    Lanes::pack(cx + count, at_cx, alive);
    Lanes::pack(cy + count, at_cy, alive);
    Lanes::pack(place + count, at_place, alive);
    count += __builtin_popcount(alive);
  }

  /** Fills the last tile with lanes that are none. */
  void pad() {
    for (int lane = count; lane < count + tile; ++lane) {
      x[lane] = y[lane] = cx[lane] = cy[lane] = place[lane] = 0.0;
    }
  }
};

template <int k>
inline void step(State& s, Vector cx, Vector cy) {
  const Vector x2 = Lanes::mul(s.x, s.x);
  const Vector y2 = Lanes::mul(s.y, s.y);
  s.y = Lanes::twice_product_plus<k>(s.x, s.y, cy);
  s.x = Lanes::add(Lanes::sub(x2, y2), cx);
}

/** Step after step, vector beside vector: one waits for its products while the others go on. */
template <int k, int left>
inline void block(State* s, const Vector* cx, const Vector* cy) {
  if constexpr (k < vectors) {
    step<k>(s[k], cx[k], cy[k]);
    block<k + 1, left>(s, cx, cy);
  } else if constexpr (left > 1) {
    block<0, left - 1>(s, cx, cy);
  }
}

/** Of the lanes of vector k, those of the first `here` points of a tile. */
inline unsigned lanes_of(int k, int64_t here) {
  const int64_t left = here - k * width;
  return left >= width ? all_lanes : left <= 0 ? 0 : (1u << left) - 1;
}

/** Lanes of the bulbs of period one and two, but for a margin far above rounding. */
inline unsigned in_bulbs(Vector cx, Vector cy) {
  const Vector margin = Lanes::all(1e-9);
  const Vector cy2 = Lanes::mul(cy, cy);
  const Vector left = Lanes::sub(cx, Lanes::all(0.25));
  const Vector q = Lanes::add(Lanes::mul(left, left), cy2);
  const Vector cardioid = Lanes::mul(q, Lanes::add(q, left));
  const Vector inner = Lanes::sub(Lanes::mul(cy2, Lanes::all(0.25)), margin);
  const Vector right = Lanes::add(cx, Lanes::all(1.0));
  const Vector disc = Lanes::add(Lanes::mul(right, right), cy2);
  const Vector radius = Lanes::sub(Lanes::all(0.0625), margin);
  return Lanes::less(cardioid, inner) | Lanes::less(disc, radius);
}

/** The vector of `points` at `at`, from the state (x, y) after n steps, for `steps` steps more. */
[[gnu::noinline]] unsigned steps_with_tests(const Points& points, int at, const double* x,
                                            const double* y, unsigned alive, int n, int steps,
                                            int32_t* counts) {
  State s{Lanes::load(x), Lanes::load(y)};
  const Vector cx = Lanes::load(points.cx + at);
  const Vector cy = Lanes::load(points.cy + at);
  Lanes::Tally tally(alive);
  for (int done = 0; done < steps; ++done) {
    step<0>(s, cx, cy);
    tally.test(s.magnitude());
  }
  const unsigned left = tally.alive();
  alignas(64) int32_t passed[width];
  tally.passed(passed);
  for (unsigned gone = alive & ~left; gone != 0; gone &= gone - 1) {
    const int lane = __builtin_ctz(gone);
    counts[static_cast<int64_t>(points.place[at + lane])] = n + 1 + passed[lane];
  }
  return left;
}

/** One tile of `points`, those from `from` on, from step n to step `end`. */
template <bool shortcuts>
inline void run_tile(Points& points, int from, int here, int n, int end, bool is_last,
                     int32_t* counts) {
  State s[vectors];
  Vector cx[vectors], cy[vectors];
  unsigned alive[vectors];
  for (int k = 0; k < vectors; ++k) {
    const int at = from + k * width;
    s[k] = {Lanes::load(points.x + at), Lanes::load(points.y + at)};
    cx[k] = Lanes::load(points.cx + at);
    cy[k] = Lanes::load(points.cy + at);
    alive[k] = lanes_of(k, here);
  }
  // A late escape is rare, and costs a longer span once more.
  const int span = n >= 64 ? span_steps_max : block_steps;
  alignas(64) double x[tile], y[tile];
  int steps;
  for (; n < end; n += steps) {
    for (int k = 0; k < vectors; ++k) {
      Lanes::store(x + k * width, s[k].x);
      Lanes::store(y + k * width, s[k].y);
    }
    const int left = end - n;
    steps = left >= span ? span : left >= block_steps ? left - left % block_steps : left;
    for (int done = block_steps; done <= steps; done += block_steps) {
      block<0, block_steps>(s, cx, cy);
    }
    const bool is_rest = steps < block_steps;
    unsigned any_alive = 0;
    for (int k = 0; k < vectors; ++k) {
      const int at = from + k * width;
      const unsigned far = Lanes::not_less(s[k].magnitude(), Lanes::all(3.99)) & alive[k];
      if (__builtin_expect(far != 0 || is_rest, 0)) {
        alive[k] = steps_with_tests(points, at, x + k * width, y + k * width, alive[k], n, steps,
                                    counts);
      }
      if (shortcuts) {
        alive[k] &= ~(Lanes::equal(s[k].x, Lanes::load(points.x + at)) &
                      Lanes::equal(s[k].y, Lanes::load(points.y + at)));
      }
      any_alive |= alive[k];
    }
    if (any_alive == 0) return;
  }
  if (is_last) return;
  for (int k = 0; k < vectors; ++k) {
    const Vector place = Lanes::load(points.place + from + k * width);
    points.keep(alive[k], s[k], cx[k], cy[k], place);
  }
}

/** All stages after the first. Packing writes what has been read: it goes on in place. */
template <bool shortcuts>
[[gnu::noinline]] void run_stages(Points& points, int32_t iterations, int32_t* counts) {
  for (int n = block_steps; n < iterations && points.count > 0;) {
    const int end = n > iterations - n ? iterations : 2 * n;
    const int here = points.count;
    points.pad();
    points.count = 0;
    for (int from = 0; from < here; from += tile) {
      run_tile<shortcuts>(points, from, here - from, n, end, end == iterations, counts);
    }
    n = end;
  }
  points.count = 0;
}

/** The rows of one column: all have that column's cx. */
struct Column {
  const MandelbrotGrid& grid;
  double cx;
  double step;

  /** cy of the rows from `row` on; whatever there is behind the last one. */
  Vector rows(int64_t row) const {
    const Vector numbers = Lanes::ascending(static_cast<double>(row));
    const Vector cy = Lanes::add(Lanes::all(grid.y_from), Lanes::mul(numbers, Lanes::all(step)));
    if (row + width < grid.ny) return cy;
    // The last row, and the only one, by their own rule.
    alignas(64) double each[width];
    Lanes::store(each, cy);
    const int64_t last = grid.ny - 1 - row;
    if (last >= 0) each[last] = grid_point(grid.y_from, grid.y_to, grid.ny, grid.ny - 1);
    return Lanes::load(each);
  }
};

/** The first stage of up to a tile of points, `here`. Writes a count for every one of them. */
template <bool shortcuts>
inline void first_tile(Points& points, const Column& column, int64_t row, int64_t here,
                       int64_t place, int32_t iterations, int32_t* counts) {
  State s[vectors];
  Vector cy[vectors];
  Lanes::Tally tallies[vectors];
  const Vector cx = Lanes::all(column.cx);
  unsigned wanted[vectors];
  for (int k = 0; k < vectors; ++k) {
    cy[k] = column.rows(row + k * width);
    s[k] = {cx, cy[k]};
    wanted[k] = lanes_of(k, here);
    if (shortcuts) wanted[k] &= ~in_bulbs(cx, cy[k]);
    tallies[k] = Lanes::Tally(wanted[k]);
    tallies[k].test(s[k].magnitude());
  }
  const int steps = iterations < block_steps ? iterations : block_steps;
  for (int done = 0; done < steps; ++done) {
    unsigned alive = 0;
    for (int k = 0; k < vectors; ++k) alive |= tallies[k].alive();
    if (alive == 0) break;
    for (int k = 0; k < vectors; ++k) {
      step<0>(s[k], cx, cy[k]);
      tallies[k].test(s[k].magnitude());
    }
  }
  for (int k = 0; k < vectors; ++k) {
    const unsigned alive = tallies[k].alive();
    const int64_t at = place + k * width;
    tallies[k].store(counts + at, lanes_of(k, here), wanted[k] & ~alive, iterations);
    points.keep(alive, s[k], cx, cy[k], Lanes::ascending(static_cast<double>(at)));
  }
}

/** Below this a product may lose a digit that doubling it before would have kept. */
constexpr double tiny = 0x1p-960;

inline bool has_tiny_rows(const MandelbrotSlice& slice) {
  const MandelbrotGrid& grid = slice.grid;
  if (slice.first == slice.end) return false;
  const int64_t points = slice.end - slice.first;
  int64_t row = slice.first % grid.ny;
  for (int64_t left = points < grid.ny ? points : grid.ny; left > 0; --left) {
    const double size = __builtin_fabs(grid_point(grid.y_from, grid.y_to, grid.ny, row));
    if (size < tiny && size != 0.0) return true;
    row = row + 1 < grid.ny ? row + 1 : 0;
  }
  return false;
}

template <bool shortcuts>
inline void run_slice(int32_t* counts, const MandelbrotSlice& slice) {
  const MandelbrotGrid& grid = slice.grid;
  const double step = (grid.y_to - grid.y_from) / static_cast<double>(grid.ny - 1);
  Points points;
  for (int64_t point = slice.first; point < slice.end;) {
    const int64_t i = point / grid.ny;
    const Column column{grid, grid_point(grid.x_from, grid.x_to, grid.nx, i), step};
    const int64_t start = i * grid.ny;
    const int64_t end = slice.end - start < grid.ny ? slice.end : start + grid.ny;
    for (; point < end; point += tile) {
      const int64_t place = point - slice.first;
      first_tile<shortcuts>(points, column, point - start, end - point, place, slice.iterations,
                            counts);
      if (points.count <= points_max - tile) continue;
      run_stages<shortcuts>(points, slice.iterations, counts);
    }
    point = end;
  }
  run_stages<shortcuts>(points, slice.iterations, counts);
}

inline void run_points(int32_t* counts, const MandelbrotSlice& slice) {
  if (Lanes::is_fused && has_tiny_rows(slice)) return plain_points(counts, slice);
  if (slice.shortcuts) return run_slice<true>(counts, slice);
  return run_slice<false>(counts, slice);
}

}  // namespace
