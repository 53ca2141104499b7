import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * BROKERS TOPIC PARTITION TRANSACTIONAL_ID open|end. open: writes one record in a transaction and dies in it. end: takes the
 * transactional id over, by which Kafka aborts what was left open.
 */
class LeaveTransaction {
    public static void main(String[] args) throws Exception {
        var producer = new KafkaProducer<byte[], byte[]>(
                Map.of("bootstrap.servers", args[0], "transactional.id", args[3], "transaction.timeout.ms", 600_000),
                new ByteArraySerializer(),
                new ByteArraySerializer());
        producer.initTransactions();
        if (args[4].equals("open")) {
            producer.beginTransaction();
            var value = "of a producer that dies".getBytes(StandardCharsets.UTF_8);
            producer.send(new ProducerRecord<>(args[1], Integer.parseInt(args[2]), null, value)).get();
            System.out.flush();
            Runtime.getRuntime().halt(0);
        }
        producer.close();
    }
}
