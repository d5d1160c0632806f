// Mandelbrot by what every arm64 processor has: two points a vector.
#include "mandelbrot.h"

#if defined(EUPHORION_ARM64)
#include <arm_neon.h>

namespace euphorion {

namespace {

struct Lanes {
  using Vector = float64x2_t;
  static constexpr int width = 2;
  static constexpr int vectors = 6;
  static constexpr bool is_fused = true;

  static Vector load(const double* from) { return vld1q_f64(from); }
  static void store(double* to, Vector from) { vst1q_f64(to, from); }
  static Vector all(double value) { return vdupq_n_f64(value); }
  static Vector add(Vector a, Vector b) { return vaddq_f64(a, b); }
  static Vector sub(Vector a, Vector b) { return vsubq_f64(a, b); }
  static Vector mul(Vector a, Vector b) { return vmulq_f64(a, b); }

  /** 2·x·y + c. Doubling is exact, so the fused step rounds as two would. */
  template <int k>
  static Vector twice_product_plus(Vector x, Vector y, Vector c) {
    return vfmaq_f64(c, vdupq_n_f64(2.0), vmulq_f64(x, y));
  }

  static unsigned bits(uint64x2_t mask) {
    return static_cast<unsigned>((vgetq_lane_u64(mask, 0) & 1) | (vgetq_lane_u64(mask, 1) & 2));
  }
  static unsigned less(Vector a, Vector b) { return bits(vcltq_f64(a, b)); }
  static unsigned not_less(Vector a, Vector b) { return less(a, b) ^ 3; }
  static unsigned equal(Vector a, Vector b) { return bits(vceqq_f64(a, b)); }

  /** first, first + 1 */
  static Vector ascending(double first) {
    const double each[width] = {first, first + 1.0};
    return load(each);
  }

  /** The lanes of `mask` to the front. */
  static void pack(double* to, Vector from, unsigned mask) {
    if (mask & 1) *to++ = vgetq_lane_f64(from, 0);
    if (mask & 2) *to = vgetq_lane_f64(from, 1);
  }

  /** How many tests each lane passed before it failed one. */
  struct Tally {
    uint64x2_t mask;
    uint64x2_t count;

    Tally() = default;
    explicit Tally(unsigned alive) : count(vdupq_n_u64(0)) {
      const uint64_t each[width] = {alive & 1 ? ~0ull : 0, alive & 2 ? ~0ull : 0};
      mask = vld1q_u64(each);
    }
    void test(Vector magnitude) {
      // Not a number stays, as in the plain loop: only what is 4 or more goes.
      mask = vbicq_u64(mask, vcgeq_f64(magnitude, vdupq_n_f64(4.0)));
      count = vsubq_u64(count, mask);
    }
    unsigned alive() const { return bits(mask); }
    void passed(int32_t* to) const { store(to, 3, 3, 0); }
    /** Of `lanes`: what was passed, or `otherwise` for those that are not `gone`. */
    void store(int32_t* to, unsigned lanes, unsigned gone, int32_t otherwise) const {
      uint64_t each[width];
      vst1q_u64(each, count);
      for (int lane = 0; lane < width; ++lane) {
        if (((lanes >> lane) & 1) == 0) continue;
        to[lane] = (gone >> lane) & 1 ? static_cast<int32_t>(each[lane]) : otherwise;
      }
    }
  };
};

#include "mandelbrot_tiles.h"

}  // namespace

void mandelbrot_points_neon(int32_t* counts, const MandelbrotSlice& slice) {
  run_points(counts, slice);
}

}  // namespace euphorion

#endif
