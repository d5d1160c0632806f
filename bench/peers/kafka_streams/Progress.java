import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;

/** How far each partition is, and what is said of it on standard output. */
class Progress {
  private final String version;
  private final AtomicBoolean isReady = new AtomicBoolean();
  private final AtomicLongArray counts;

  Progress(String version, int partitions) {
    this.version = version;
    counts = new AtomicLongArray(partitions);
  }

  /** Its partitions are there; said once. */
  void ready() {
    if (isReady.compareAndSet(false, true))
      say("{\"peer\":\"ready\",\"version\":\"" + version + "\"}");
  }

  boolean isReady() {
    return isReady.get();
  }

  /** Called by the one thread that has the partition. */
  void consumed(int partition) {
    long count = counts.get(partition);
    if (count == 0) ready();
    counts.lazySet(partition, count + 1);
  }

  long[] counts() {
    long[] copy = new long[counts.length()];
    for (int i = 0; i < copy.length; i++) copy[i] = counts.get(i);
    return copy;
  }

  long total() {
    long total = 0;
    for (long count : counts()) total += count;
    return total;
  }

  void at() {
    StringBuilder text = new StringBuilder();
    for (long count : counts()) text.append(text.length() == 0 ? "" : ",").append(count);
    say("{\"peer\":\"at\",\"consumed\":[" + text + "]}");
  }

  /** Says so, and waits until it has been measured. */
  void done() throws IOException {
    at();
    say("{\"peer\":\"done\"}");
    System.in.read();
  }

  private static synchronized void say(String line) {
    System.out.println(line);
  }
}
