import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** A cell of W2: 32 bytes in the store and in the changelog. */
record Stats(long count, double total, double least, double most) {
  static final Stats NONE =
      new Stats(0, 0, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);

  Stats add(double ms) {
    return new Stats(count + 1, total + ms, Math.min(least, ms), Math.max(most, ms));
  }

  static Serde<Stats> serde() {
    return Serdes.serdeFrom(
        (topic, stats) ->
            stats == null
                ? null
                : ByteBuffer.allocate(32)
                    .putLong(stats.count)
                    .putDouble(stats.total)
                    .putDouble(stats.least)
                    .putDouble(stats.most)
                    .array(),
        (topic, bytes) -> {
          if (bytes == null) return null;
          ByteBuffer from = ByteBuffer.wrap(bytes);
          return new Stats(
              from.getLong(), from.getDouble(), from.getDouble(), from.getDouble());
        });
  }
}
