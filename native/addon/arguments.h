// The arguments of one call from JavaScript, checked: each getter either gives what was asked for,
// or leaves a TypeError or RangeError pending that names the argument. Used by the glue beside it.
#pragma once
#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace euphorion {

/** A typed array's elements: valid until the call returns. */
struct Elements {
  void* data = nullptr;
  /** In elements. */
  size_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
};

class Arguments {
 public:
  static constexpr size_t count_max = 16;

  /** Takes the arguments of this call; fewer than `count` is a TypeError. */
  Arguments(napi_env env, napi_callback_info info, size_t count);

  /** Whether something was wrong: an error is pending, and the call must return. */
  bool failed() const { return failed_; }

  double number(size_t index, const char* name);
  /** A whole number in low … high, both within what a double holds exactly. */
  int64_t integer(size_t index, const char* name, int64_t low, int64_t high);
  /** The same; `otherwise` where the argument is undefined or not given. */
  int64_t integer_or(size_t index, const char* name, int64_t low, int64_t high, int64_t otherwise);
  bool boolean(size_t index, const char* name);
  /** A text of less than `capacity` bytes, in `text`. */
  void text(size_t index, const char* name, char* text, size_t capacity);
  Elements typed_array(size_t index, const char* name, napi_typedarray_type type);
  Elements float_array(size_t index, const char* name);

  /** A RangeError where `elements` are fewer than `needed`. */
  void room(const char* name, const Elements& elements, size_t needed);

  void type_error(const char* name, const char* expected);
  void range_error(const char* format, ...);

 private:
  Elements any_typed_array(size_t index, const char* name, const char* expected);

  napi_env env_;
  napi_value values_[count_max];
  size_t count_ = count_max;
  bool failed_ = false;
};

}  // namespace euphorion
