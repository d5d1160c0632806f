// Arguments of the addon's functions: see arguments.h.
#include "arguments.h"

namespace euphorion {

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  size_t count = kMost;
  Is(napi_get_cb_info(env, info, &count, values_, nullptr, nullptr) == napi_ok);
}

bool Arguments::Is(bool right) {
  if (!right && ok_) napi_throw_type_error(env_, nullptr, "wrong arguments for the native store");
  ok_ = ok_ && right;
  return ok_;
}

bool Arguments::IsUndefined(size_t at) {
  napi_valuetype type = napi_undefined;
  Is(napi_typeof(env_, values_[at], &type) == napi_ok);
  return type == napi_undefined;
}

std::string_view Arguments::Bytes(size_t at) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  const napi_status status =
      napi_get_typedarray_info(env_, values_[at], &type, &length, &data, nullptr, nullptr);
  if (!Is(status == napi_ok && type == napi_uint8_array)) return {};
  return {static_cast<const char*>(data), length};
}

std::string Arguments::Text(size_t at) {
  size_t length = 0;
  if (!Is(napi_get_value_string_utf8(env_, values_[at], nullptr, 0, &length) == napi_ok)) return "";
  std::string text(length, '\0');
  napi_get_value_string_utf8(env_, values_[at], text.data(), length + 1, &length);
  return text;
}

double Arguments::Number(size_t at) {
  double number = 0;
  Is(napi_get_value_double(env_, values_[at], &number) == napi_ok);
  return number;
}

bool Arguments::Boolean(size_t at) {
  bool value = false;
  Is(napi_get_value_bool(env_, values_[at], &value) == napi_ok);
  return value;
}

std::shared_ptr<void> Arguments::Held(size_t at, Handle::Kind kind) {
  void* data = nullptr;
  if (!Is(napi_get_value_external(env_, values_[at], &data) == napi_ok)) return nullptr;
  const Handle& handle = *static_cast<Handle*>(data);
  if (!Is(handle.kind == kind)) return nullptr;
  return handle.object;
}

napi_value ToExternal(napi_env env, Handle::Kind kind, std::shared_ptr<void> object) {
  auto* handle = new Handle{kind, std::move(object)};
  napi_value external = nullptr;
  const auto release = [](napi_env, void* data, void*) { delete static_cast<Handle*>(data); };
  if (napi_create_external(env, handle, release, nullptr, &external) != napi_ok) delete handle;
  return external;
}

}  // namespace euphorion
