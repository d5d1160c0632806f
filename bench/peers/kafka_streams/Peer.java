import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.stream.LongStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.state.QueryableStoreTypes;

/** W0 to W3 by Kafka Streams. Started by bench/peers/streams/measure.ts with a spec in JSON. */
public class Peer {
  private static final int THREADS = 2;
  private static final int SAMPLE_MS = 100;
  private static final int POLL_MS = 10;
  /** Nothing moves any more once nothing has for so long. */
  private static final int STILL_MS = 300;

  private final JsonNode spec;
  private final String workload;
  private final String id;
  private final long all;
  private final Progress progress;

  private Peer(JsonNode spec) {
    this.spec = spec;
    workload = spec.get("workload").asText();
    id = spec.get("id").asText();
    long total = 0;
    for (JsonNode end : spec.get("ends")) total += end.asLong();
    all = total;
    String java = System.getProperty("java.version");
    String version = "Kafka Streams " + AppInfoParser.getVersion() + ", Java " + java;
    progress = new Progress(version, spec.get("ends").size());
  }

  public static void main(String[] args) throws Exception {
    new Peer(new ObjectMapper().readTree(args[args.length - 1])).run();
    System.exit(0);
  }

  private void run() throws Exception {
    Workloads workloads = new Workloads(progress);
    Properties properties = properties();
    var topology = workloads.build(workload, spec.get("topic").asText());
    try (KafkaStreams streams = new KafkaStreams(topology, properties);
        Admin admin = Admin.create(properties)) {
      streams.setStateListener(
          (now, before) -> {
            if (now == KafkaStreams.State.RUNNING) progress.ready();
          });
      streams.start();
      follow(streams, admin);
      progress.done();
      answer(streams, workloads);
    }
  }

  private Properties properties() {
    boolean isExactlyOnce = spec.get("guarantee").asText().equals("exactly_once");
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, spec.get("brokers").asText());
    properties.put(StreamsConfig.STATE_DIR_CONFIG, spec.get("directory").asText() + "/state");
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, THREADS);
    properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, isExactlyOnce ? 100 : 250);
    properties.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        isExactlyOnce ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
    return properties;
  }

  /** Until all is consumed and committed, or the time is over. */
  private void follow(KafkaStreams streams, Admin admin) throws Exception {
    while (!progress.isReady()) Thread.sleep(1);
    long deadline = System.nanoTime() + spec.get("seconds").asLong() * 1_000_000_000L;
    long told = System.nanoTime();
    while (System.nanoTime() < deadline) {
      if (progress.total() >= all && committed(admin) >= all) return;
      Thread.sleep(POLL_MS);
      if (System.nanoTime() - told < SAMPLE_MS * 1_000_000L) continue;
      told = System.nanoTime();
      progress.at();
    }
    streams.pause();
    for (long before = -1; before != progress.total(); Thread.sleep(STILL_MS))
      before = progress.total();
  }

  private long committed(Admin admin) throws Exception {
    var offsets = admin.listConsumerGroupOffsets(id).partitionsToOffsetAndMetadata().get();
    return offsets.values().stream().mapToLong(each -> each == null ? 0 : each.offset()).sum();
  }

  private void answer(KafkaStreams streams, Workloads workloads) throws Exception {
    // where there was little to do the second thread may still be joining: then no store is open
    while (streams.state() != KafkaStreams.State.RUNNING) Thread.sleep(POLL_MS);
    try (PrintWriter out =
        new PrintWriter(Files.newBufferedWriter(Path.of(spec.get("answer").asText())))) {
      out.print("consumed");
      LongStream.of(progress.counts()).forEach(count -> out.print("\t" + count));
      out.println();
      switch (workload) {
        case "w0" -> sums(workloads, out);
        case "w3" -> plain(streams, out);
        default -> windows(streams, out);
      }
    }
  }

  private static void sums(Workloads workloads, PrintWriter out) {
    Workloads.Sums sum = new Workloads.Sums();
    for (Workloads.Sums each : workloads.sums) {
      sum.events += each.events;
      sum.characters += each.characters;
      sum.ms += each.ms;
      sum.ts += each.ts;
    }
    out.println("\t0\t" + sum.events + "\t" + sum.characters + "\t" + sum.ms + "\t" + sum.ts);
  }

  private static void plain(KafkaStreams streams, PrintWriter out) {
    var type = QueryableStoreTypes.<String, Long>keyValueStore();
    var store = streams.store(StoreQueryParameters.fromNameAndType(Workloads.STORE, type));
    try (var rows = store.all()) {
      rows.forEachRemaining(row -> out.println(row.key + "\t0\t" + row.value));
    }
  }

  private static void windows(KafkaStreams streams, PrintWriter out) {
    var type = QueryableStoreTypes.<String, Object>windowStore();
    var store = streams.store(StoreQueryParameters.fromNameAndType(Workloads.STORE, type));
    try (var rows = store.all()) {
      rows.forEachRemaining(
          row -> {
            String value =
                row.value instanceof Stats stats
                    ? stats.count() + "\t" + stats.total() + "\t" + stats.least() + "\t" + stats.most()
                    : row.value.toString();
            out.println(row.key.key() + "\t" + row.key.window().start() + "\t" + value);
          });
    }
  }
}
