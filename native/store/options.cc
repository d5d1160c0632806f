// RocksDB's options: see options.h.
#include "options.h"

namespace euphorion {

namespace {

constexpr int kBitsPerKey = 10;
/** The newest that RocksDB 6.17 reads. */
constexpr int kFormatVersion = 5;
constexpr char kChecksumCrc32c = 1;
constexpr int kCompressionNone = 0;
/** The first read after a range was deleted sorts those of the memtable. */
constexpr uint32_t kRangesInMemory = 1000;
constexpr size_t kManifestBytes = 4 << 20;
constexpr size_t kLogFiles = 2;
constexpr int kLogWarnings = 2;

rocksdb_block_based_table_options_t* MakeTableOptions(uint64_t cache_bytes) {
  rocksdb_block_based_table_options_t* table = rocksdb_block_based_options_create();
  rocksdb_block_based_options_set_format_version(table, kFormatVersion);
  rocksdb_block_based_options_set_checksum(table, kChecksumCrc32c);
  rocksdb_block_based_options_set_filter_policy(table,
                                                rocksdb_filterpolicy_create_bloom(kBitsPerKey));
  rocksdb_cache_t* cache = rocksdb_cache_create_lru(cache_bytes);
  rocksdb_block_based_options_set_block_cache(table, cache);
  rocksdb_cache_destroy(cache);
  return table;
}

}  // namespace

OwnedOptions MakeOptions(const DatabaseSettings& settings) {
  rocksdb_options_t* options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(options, 1);
  rocksdb_options_set_compression(options, kCompressionNone);
  rocksdb_options_set_write_buffer_size(options, settings.write_buffer_bytes);
  rocksdb_options_set_max_open_files(options, settings.max_open_files);
  rocksdb_options_set_max_file_opening_threads(options, 1);
  rocksdb_options_set_max_manifest_file_size(options, kManifestBytes);
  // A store a partition: eight MiB on the disk for each that is empty would be too much.
  rocksdb_options_set_allow_fallocate(options, 0);
  rocksdb_options_set_memtable_max_range_deletions(options, kRangesInMemory);
  rocksdb_options_set_memtable_batch_lookup_optimization(options, 1);
  rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
  rocksdb_options_set_stats_dump_period_sec(options, 0);
  rocksdb_options_set_stats_persist_period_sec(options, 0);
  rocksdb_options_set_keep_log_file_num(options, kLogFiles);
  rocksdb_options_set_info_log_level(options, kLogWarnings);
  // A full disk ends a store; it is not to be waited for when the store is closed.
  rocksdb_options_set_max_bgerror_resume_count(options, 0);
  rocksdb_block_based_table_options_t* table = MakeTableOptions(settings.cache_bytes);
  rocksdb_options_set_block_based_table_factory(options, table);
  rocksdb_block_based_options_destroy(table);
  return OwnedOptions(options);
}

}  // namespace euphorion
