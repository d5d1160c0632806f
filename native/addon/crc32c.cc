#include "../core/crc32c.h"

#include "arguments.h"
#include "functions.h"

namespace euphorion {

/** crc32c(bytes, start = 0, end = bytes.length): of the bytes from start up to end. */
napi_value call_crc32c(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, 1);
  const Elements bytes = arguments.typed_array(0, "bytes", napi_uint8_array);
  const auto length = static_cast<int64_t>(bytes.length);
  const int64_t start = arguments.integer_or(1, "start", 0, length, 0);
  const int64_t end = arguments.integer_or(2, "end", start, length, length);
  if (arguments.failed()) return nullptr;
  const auto* data = static_cast<const uint8_t*>(bytes.data);
  napi_value sum = nullptr;
  napi_create_uint32(env, crc32c(data + start, static_cast<size_t>(end - start)), &sum);
  return sum;
}

}  // namespace euphorion
