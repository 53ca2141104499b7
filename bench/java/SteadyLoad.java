import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Publishes records at a steady rate with Kafka's own client, which costs the machine less than any other: what is measured beside it
 * should be the reader. Arguments: bootstrap servers, topic, file, records a second, seconds. A line of the file is a key, a space, and a
 * framed Avro event in base64; each record is one of them under a new id. Prints "loading" when it begins; at its end the acknowledged
 * records, the refused ones, and the seconds that it took.
 */
public class SteadyLoad {
  /** Behind the frame (5 bytes) and the length of the id (1 byte). */
  private static final int ID_FROM = 6;

  public static void main(String[] args) throws Exception {
    var lines = Files.readAllLines(Path.of(args[2]));
    byte[][] keys = new byte[lines.size()][];
    byte[][] values = new byte[lines.size()][];
    for (int i = 0; i < keys.length; i++) {
      String[] fields = lines.get(i).split(" ");
      keys[i] = fields[0].getBytes(StandardCharsets.UTF_8);
      values[i] = Base64.getDecoder().decode(fields[1]);
    }
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("acks", "all");
    settings.put("linger.ms", "5");
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    AtomicLong acknowledged = new AtomicLong();
    AtomicLong refused = new AtomicLong();
    long perSecond = Long.parseLong(args[3]);
    long nanos = Long.parseLong(args[4]) * 1_000_000_000L;
    long beganAt;
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
      producer.partitionsFor(args[1]);
      System.out.println("loading");
      beganAt = System.nanoTime();
      int sent = 0;
      for (long passed = 0; passed < nanos; passed = System.nanoTime() - beganAt) {
        for (long due = (long) (passed / 1e9 * perSecond); sent < due; sent++) {
          byte[] value = values[sent % values.length].clone();
          byte[] id = UUID.randomUUID().toString().getBytes(StandardCharsets.US_ASCII);
          System.arraycopy(id, 0, value, ID_FROM, id.length);
          producer.send(new ProducerRecord<>(args[1], keys[sent % keys.length], value),
              (metadata, error) -> (error == null ? acknowledged : refused).incrementAndGet());
        }
        Thread.sleep(5);
      }
    }
    System.out.println(acknowledged + " " + refused + " " + (System.nanoTime() - beganAt) / 1e9);
  }
}
