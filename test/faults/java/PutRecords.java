import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Puts records on a topic with Kafka's own client: a producer that shares no code with ours.
 * Arguments: bootstrap servers, topic, file, then steps. A step is CODEC:END:FROM:TO, where END is plain, commit or abort: lines FROM to TO
 * (the last not included) of the file, compressed with the codec, in one transaction that ends so, or in none. A line is the key, a space, and
 * the value in base64 or - for none.
 */
public class PutRecords {
  public static void main(String[] args) throws Exception {
    var lines = Files.readAllLines(Path.of(args[2]));
    for (int step = 3; step < args.length; step++) {
      String[] parts = args[step].split(":");
      put(args[0], args[1], parts[0], parts[1], lines.subList(Integer.parseInt(parts[2]), Integer.parseInt(parts[3])));
    }
  }

  private static void put(String servers, String topic, String codec, String end, java.util.List<String> lines) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", servers);
    settings.put("acks", "all");
    settings.put("compression.type", codec);
    settings.put("linger.ms", "20");
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    boolean isTransaction = !end.equals("plain");
    if (isTransaction) settings.put("transactional.id", UUID.randomUUID().toString());
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
      if (isTransaction) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      for (String line : lines) {
        String[] fields = line.split(" ");
        byte[] value = fields[1].equals("-") ? null : Base64.getDecoder().decode(fields[1]);
        producer.send(new ProducerRecord<>(topic, fields[0].getBytes(StandardCharsets.UTF_8), value));
      }
      // What is aborted has reached the log all the same.
      producer.flush();
      if (end.equals("commit")) producer.commitTransaction();
      if (end.equals("abort")) producer.abortTransaction();
    }
  }
}
