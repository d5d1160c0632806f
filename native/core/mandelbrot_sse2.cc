// Mandelbrot by what every x64 processor has: two points a vector.
#include "mandelbrot.h"

#if defined(EUPHORION_X64)
#include <emmintrin.h>

namespace euphorion {

namespace {

struct Lanes {
  using Vector = __m128d;
  static constexpr int width = 2;
  static constexpr int vectors = 6;
  static constexpr bool is_fused = false;

  static Vector load(const double* from) { return _mm_loadu_pd(from); }
  static void store(double* to, Vector from) { _mm_storeu_pd(to, from); }
  static Vector all(double value) { return _mm_set1_pd(value); }
  static Vector add(Vector a, Vector b) { return _mm_add_pd(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm_sub_pd(a, b); }
  static Vector mul(Vector a, Vector b) { return _mm_mul_pd(a, b); }

  /** 2·x·y + c. */
  template <int k>
  static Vector twice_product_plus(Vector x, Vector y, Vector c) {
    return _mm_add_pd(_mm_mul_pd(_mm_add_pd(x, x), y), c);
  }

  static unsigned bits(Vector mask) { return static_cast<unsigned>(_mm_movemask_pd(mask)); }
  static unsigned less(Vector a, Vector b) { return bits(_mm_cmplt_pd(a, b)); }
  static unsigned not_less(Vector a, Vector b) { return bits(_mm_cmpnlt_pd(a, b)); }
  static unsigned equal(Vector a, Vector b) { return bits(_mm_cmpeq_pd(a, b)); }

  /** first, first + 1 */
  static Vector ascending(double first) { return add(all(first), _mm_set_pd(1.0, 0.0)); }

  /** The lanes of `mask` to the front. */
  static void pack(double* to, Vector from, unsigned mask) {
    if (mask & 1) _mm_storel_pd(to++, from);
    if (mask & 2) _mm_storeh_pd(to, from);
  }

  /** How many tests each lane passed before it failed one. */
  struct Tally {
    Vector mask;
    __m128i count;

    Tally() = default;
    explicit Tally(unsigned alive) : count(_mm_setzero_si128()) {
      mask = _mm_castsi128_pd(_mm_set_epi64x(alive & 2 ? -1 : 0, alive & 1 ? -1 : 0));
    }
    void test(Vector magnitude) {
      mask = _mm_and_pd(mask, _mm_cmpnge_pd(magnitude, _mm_set1_pd(4.0)));
      count = _mm_sub_epi64(count, _mm_castpd_si128(mask));
    }
    unsigned alive() const { return bits(mask); }
    void passed(int32_t* to) const { store(to, 3, 3, 0); }
    /** Of `lanes`: what was passed, or `otherwise` for those that are not `gone`. */
    void store(int32_t* to, unsigned lanes, unsigned gone, int32_t otherwise) const {
      alignas(16) int64_t each[width];
      _mm_store_si128(reinterpret_cast<__m128i*>(each), count);
      for (int lane = 0; lane < width; ++lane) {
        if (((lanes >> lane) & 1) == 0) continue;
        to[lane] = (gone >> lane) & 1 ? static_cast<int32_t>(each[lane]) : otherwise;
      }
    }
  };
};

#include "mandelbrot_tiles.h"

}  // namespace

void mandelbrot_points_sse2(int32_t* counts, const MandelbrotSlice& slice) {
  run_points(counts, slice);
}

}  // namespace euphorion

#endif
