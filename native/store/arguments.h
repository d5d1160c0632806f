// What JavaScript hands to the functions of addon.cc. A wrong argument is a mistake of
// src/table/native_rocksdb.ts, its only caller.
#pragma once

#include <node_api.h>

#include <memory>
#include <string>
#include <string_view>

namespace euphorion {

/** What an external of JavaScript holds; closed or freed when nobody has it any more. */
struct Handle {
  enum Kind { kDatabase, kBatch, kScan, kLoad } kind;
  std::shared_ptr<void> object;
};

class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info);
  /** A TypeError is pending when not. */
  bool ok() const { return ok_; }
  napi_value raw(size_t at) const { return values_[at]; }
  bool IsUndefined(size_t at);
  /** The bytes of a Uint8Array, which may lie in shared memory. */
  std::string_view Bytes(size_t at);
  std::string Text(size_t at);
  double Number(size_t at);
  bool Boolean(size_t at);
  template <typename T>
  std::shared_ptr<T> Object(size_t at, Handle::Kind kind) {
    return std::static_pointer_cast<T>(Held(at, kind));
  }

 private:
  static constexpr size_t kMost = 6;
  std::shared_ptr<void> Held(size_t at, Handle::Kind kind);
  /** Notes a failure. */
  bool Is(bool right);

  napi_env env_;
  napi_value values_[kMost] = {};
  bool ok_ = true;
};

napi_value ToExternal(napi_env env, Handle::Kind kind, std::shared_ptr<void> object);

}  // namespace euphorion
