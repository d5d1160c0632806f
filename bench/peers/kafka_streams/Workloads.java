import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/** W0 to W3 in the DSL. The topic's key is the url, its records' timestamp is ts. */
class Workloads {
  static final String STORE = "views";
  private static final Duration STEP = Duration.ofSeconds(10);
  private static final Duration SIZE = Duration.ofSeconds(60);
  private static final Duration GRACE = Duration.ofSeconds(5);
  /** Euphorion's default. */
  private static final Duration RETENTION = Duration.ofDays(1);

  /** What W0 adds up, a task at a time. */
  static class Sums {
    private static final long EPOCH_MS = 1_700_000_000_000L;
    long events;
    long characters;
    double ms;
    long ts;

    void add(PageView view) {
      events++;
      characters += view.url.length();
      ms += view.ms;
      ts += view.ts - EPOCH_MS;
    }
  }

  final List<Sums> sums = new CopyOnWriteArrayList<>();
  private final Progress progress;

  Workloads(Progress progress) {
    this.progress = progress;
  }

  Topology build(String workload, String topic) {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, PageView> views =
        builder.stream(topic, Consumed.with(Serdes.String(), PageView.serde()))
            .processValues(Counting::new);
    if (workload.equals("w0")) {
      views.process(Adding::new);
      return builder.build();
    }
    KGroupedStream<String, PageView> byUrl =
        views.groupByKey(Grouped.with(Serdes.String(), PageView.serde()));
    switch (workload) {
      case "w1" ->
          byUrl
              .windowedBy(TimeWindows.ofSizeAndGrace(STEP, GRACE))
              .count(
                  Materialized.<String, Long, WindowStore<Bytes, byte[]>>as(STORE)
                      .withRetention(RETENTION));
      case "w2" ->
          byUrl
              .windowedBy(TimeWindows.ofSizeAndGrace(SIZE, GRACE).advanceBy(STEP))
              .aggregate(
                  () -> Stats.NONE,
                  (url, view, stats) -> stats.add(view.ms),
                  Materialized.<String, Stats, WindowStore<Bytes, byte[]>>as(STORE)
                      .withRetention(RETENTION)
                      .withValueSerde(Stats.serde()));
      default -> byUrl.count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as(STORE));
    }
    return builder.build();
  }

  /** Counts what each partition has had, as every program here does. */
  private class Counting implements FixedKeyProcessor<String, PageView, PageView> {
    private FixedKeyProcessorContext<String, PageView> context;
    private int partition;

    @Override
    public void init(FixedKeyProcessorContext<String, PageView> context) {
      this.context = context;
      partition = context.taskId().partition();
    }

    @Override
    public void process(FixedKeyRecord<String, PageView> record) {
      progress.consumed(partition);
      context.forward(record);
    }
  }

  private class Adding implements Processor<String, PageView, Void, Void> {
    private final Sums own = new Sums();

    Adding() {
      sums.add(own);
    }

    @Override
    public void process(Record<String, PageView> record) {
      own.add(record.value());
    }
  }
}
