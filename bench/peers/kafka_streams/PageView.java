import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** One event of the topic, read by Jackson. */
public class PageView {
  public String user;
  public String url;
  public double ms;
  public long ts;

  static Serde<PageView> serde() {
    ObjectReader reader = new ObjectMapper().readerFor(PageView.class);
    Deserializer<PageView> deserializer =
        (topic, bytes) -> {
          try {
            return reader.readValue(bytes);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        };
    return Serdes.serdeFrom((topic, view) -> null, deserializer);
  }
}
