// Kafka's own reading and writing of its messages, as an oracle for src/wire/requests. Reads lines
// of JSON from standard input, writes a line for each. Run by kafka_messages.ts.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.record.BaseRecords;
import org.apache.kafka.common.record.MemoryRecords;

public class KafkaMessages {
  private static final ObjectMapper mapper = new ObjectMapper();

  // { message: "FetchRequest", version, hex } or { message, version, json }; answers with both.
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    for (String line; (line = in.readLine()) != null; ) {
      ObjectNode answer = mapper.createObjectNode();
      try {
        JsonNode question = mapper.readTree(line);
        String name = question.get("message").asText();
        if (name.equals("Errors")) {
          answer.put("hex", "");
          answer.set("json", errors());
          out.println(mapper.writeValueAsString(answer));
          continue;
        }
        short version = (short) question.get("version").asInt();
        Message message =
            question.has("hex")
                ? fromBytes(name, version, question.get("hex").asText())
                : fromJson(name, version, question.get("json"));
        answer.set("json", toJson(name, message, version));
        answer.put("hex", HexFormat.of().formatHex(toBytes(message, version)));
      } catch (Throwable error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        answer.put("error", cause.toString());
      }
      out.println(mapper.writeValueAsString(answer));
    }
  }

  // Code, name and kind of each error: r is retriable, m retriable with newer metadata.
  private static JsonNode errors() {
    var list = mapper.createArrayNode();
    for (Errors error : Errors.values()) {
      var cause = error.exception();
      String kind =
          cause instanceof InvalidMetadataException
              ? "m"
              : cause instanceof RetriableException ? "r" : "";
      list.addObject()
          .put("code", error.code())
          .put("name", error.name())
          .put("kind", kind);
    }
    return list;
  }

  private static Class<?> data(String name, String suffix) throws Exception {
    String type = name.startsWith("ConsumerProtocol") ? name : name + "Data";
    return Class.forName("org.apache.kafka.common.message." + type + suffix);
  }

  private static Message fromBytes(String name, short version, String hex) throws Exception {
    Message message = (Message) data(name, "").getConstructor().newInstance();
    ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex(hex));
    message.read(new ByteBufferAccessor(bytes), version);
    if (bytes.hasRemaining()) throw new Exception(bytes.remaining() + " bytes are left over");
    return message;
  }

  private static Message fromJson(String name, short version, JsonNode json) throws Exception {
    return (Message)
        data(name, "JsonConverter")
            .getMethod("read", JsonNode.class, short.class)
            .invoke(null, json, version);
  }

  private static byte[] toBytes(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer bytes = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(bytes), cache, version);
    return bytes.array();
  }

  private static JsonNode toJson(String name, Message message, short version) throws Exception {
    JsonNode json =
        (JsonNode)
            data(name, "JsonConverter")
                .getMethod("write", data(name, ""), short.class)
                .invoke(null, message, version);
    if (message instanceof FetchResponseData fetch) {
      for (int t = 0; t < fetch.responses().size(); t++) {
        var partitions = fetch.responses().get(t).partitions();
        for (int p = 0; p < partitions.size(); p++)
          setRecords(
              json.get("responses").get(t).get("partitions").get(p), partitions.get(p).records());
      }
    }
    if (message instanceof ProduceRequestData produce) {
      int t = 0;
      for (var topic : produce.topicData()) {
        int p = 0;
        for (var partition : topic.partitionData())
          setRecords(
              json.get("topicData").get(t).get("partitionData").get(p++), partition.records());
        t++;
      }
    }
    return json;
  }

  // Kafka's converter leaves them out.
  private static void setRecords(JsonNode partition, BaseRecords records) {
    if (records == null) return;
    ByteBuffer buffer = ((MemoryRecords) records).buffer();
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    ((ObjectNode) partition).put("records", bytes);
  }
}
