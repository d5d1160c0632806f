#include "arguments.h"

#include <cstdarg>
#include <cstdio>

namespace euphorion {

namespace {

constexpr size_t message_bytes = 160;

const char* class_of(napi_typedarray_type type) {
  switch (type) {
    case napi_uint8_array:
      return "a Uint8Array";
    case napi_int32_array:
      return "an Int32Array";
    case napi_uint32_array:
      return "a Uint32Array";
    case napi_float32_array:
      return "a Float32Array";
    case napi_float64_array:
      return "a Float64Array";
    default:
      return "another typed array";
  }
}

}  // namespace

Arguments::Arguments(napi_env env, napi_callback_info info, size_t count) : env_(env) {
  if (napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr) != napi_ok) count_ = 0;
  if (count_ >= count) return;
  char message[message_bytes];
  snprintf(message, sizeof(message), "%zu arguments are needed, %zu were given", count, count_);
  failed_ = true;
  napi_throw_type_error(env_, nullptr, message);
}

void Arguments::type_error(const char* name, const char* expected) {
  if (failed_) return;
  char message[message_bytes];
  snprintf(message, sizeof(message), "%s must be %s", name, expected);
  failed_ = true;
  napi_throw_type_error(env_, nullptr, message);
}

void Arguments::range_error(const char* format, ...) {
  if (failed_) return;
  char message[message_bytes];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof(message), format, values);
  va_end(values);
  failed_ = true;
  napi_throw_range_error(env_, nullptr, message);
}

double Arguments::number(size_t index, const char* name) {
  double value = 0;
  if (failed_) return value;
  if (napi_get_value_double(env_, values_[index], &value) != napi_ok) type_error(name, "a number");
  return value;
}

int64_t Arguments::integer(size_t index, const char* name, int64_t low, int64_t high) {
  const double value = number(index, name);
  if (failed_) return low;
  const bool is_within = value >= static_cast<double>(low) && value <= static_cast<double>(high);
  if (is_within && static_cast<double>(static_cast<int64_t>(value)) == value) {
    return static_cast<int64_t>(value);
  }
  range_error("%s must be a whole number from %lld to %lld, not %.17g", name,
              static_cast<long long>(low), static_cast<long long>(high), value);
  return low;
}

int64_t Arguments::integer_or(size_t index, const char* name, int64_t low, int64_t high,
                              int64_t otherwise) {
  if (failed_ || index >= count_) return otherwise;
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, values_[index], &type);
  return type == napi_undefined ? otherwise : integer(index, name, low, high);
}

bool Arguments::boolean(size_t index, const char* name) {
  bool value = false;
  if (failed_) return value;
  if (napi_get_value_bool(env_, values_[index], &value) != napi_ok) type_error(name, "a boolean");
  return value;
}

void Arguments::text(size_t index, const char* name, char* text, size_t capacity) {
  text[0] = '\0';
  if (failed_) return;
  size_t length = 0;
  if (napi_get_value_string_latin1(env_, values_[index], text, capacity, &length) != napi_ok) {
    type_error(name, "a string");
  }
}

Elements Arguments::any_typed_array(size_t index, const char* name, const char* expected) {
  Elements elements;
  if (failed_) return elements;
  bool is_typed = false;
  napi_is_typedarray(env_, values_[index], &is_typed);
  if (!is_typed || napi_get_typedarray_info(env_, values_[index], &elements.type, &elements.length,
                                            &elements.data, nullptr, nullptr) != napi_ok) {
    type_error(name, expected);
  }
  return elements;
}

Elements Arguments::typed_array(size_t index, const char* name, napi_typedarray_type type) {
  const Elements elements = any_typed_array(index, name, class_of(type));
  if (!failed_ && elements.type != type) type_error(name, class_of(type));
  return elements;
}

Elements Arguments::float_array(size_t index, const char* name) {
  const char* const expected = "a Float64Array or a Float32Array";
  const Elements elements = any_typed_array(index, name, expected);
  const bool fits = elements.type == napi_float64_array || elements.type == napi_float32_array;
  if (!failed_ && !fits) type_error(name, expected);
  return elements;
}

void Arguments::room(const char* name, const Elements& elements, size_t needed) {
  if (elements.length >= needed) return;
  range_error("%s has room for %zu elements, %zu are needed", name, elements.length, needed);
}

}  // namespace euphorion
