// How databases are opened: used by database.cc.
#pragma once

#include "database.h"

namespace euphorion {

/** Nothing that RocksDB 6.17 could not read: the package `rocksdb` opens what is written here. */
OwnedOptions MakeOptions(const DatabaseSettings& settings);

}  // namespace euphorion
