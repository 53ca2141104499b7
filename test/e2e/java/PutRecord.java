import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Puts one record on a topic with Kafka's own client: a producer that shares no code with ours.
 * Arguments: bootstrap servers, topic, partition (- for the client's choice), key (- for none), value in base64.
 */
public class PutRecord {
  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("acks", "all");
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    Integer partition = args[2].equals("-") ? null : Integer.valueOf(args[2]);
    byte[] key = args[3].equals("-") ? null : args[3].getBytes(StandardCharsets.UTF_8);
    byte[] value = Base64.getDecoder().decode(args[4]);
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
      var put = producer.send(new ProducerRecord<>(args[1], partition, key, value)).get();
      System.out.println(put.partition() + " " + put.offset());
    }
  }
}
