import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Publishes events of numbered tenants on demand, with Kafka's own client. Arguments: bootstrap servers, topic, file of framed Avro events in
 * base64 (one a line), file for the times, number of tenants. Each line of the input is an order: events, events a second (0: as fast as Kafka
 * takes them), first tenant, the tenant behind the last; they get events in turn. It is answered by a line when all are acknowledged: how
 * many were, how many were refused. The n-th event of a tenant has seq n, and both numbers are in its id, so that a receiver needs no list.
 * Each says that it occurred when it is published.
 * The times' file gets, for each event, tenant (4 bytes), n (4 bytes) and the moment of its acknowledgement (double, ms since the epoch).
 */
public class DeliveryLoad {
  /** Behind the frame (5 bytes) and the length of the id (1 byte); the tenant is behind the id (36 bytes) and a length. */
  private static final int ID_FROM = 6;
  private static final int TENANT_FROM = 43;
  /** Behind the tenant (7 bytes) and the branch of the union: a long of eight bytes, µs since the epoch, as all of our times are. */
  private static final int OCCURRED_FROM = 51;
  private static final int OCCURRED_BYTES = 8;
  private static final byte[] ID_MIDDLE = "-0000-7000-8000-".getBytes(StandardCharsets.US_ASCII);
  /** By tenant. */
  private static byte[][] keys;
  private static final char[] HEX = "0123456789abcdef".toCharArray();

  public static void main(String[] args) throws Exception {
    keys = new byte[Integer.parseInt(args[4])][];
    for (int tenant = 0; tenant < keys.length; tenant++) keys[tenant] = String.format("t-%05d", tenant).getBytes(StandardCharsets.US_ASCII);
    byte[][] templates = Files.readAllLines(Path.of(args[2])).stream().map(Base64.getDecoder()::decode).toArray(byte[][]::new);
    int[] sent = new int[Integer.parseInt(args[4])];
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("acks", "all");
    settings.put("linger.ms", "2");
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings);
        var times = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(Path.of(args[3])), 1 << 20));
        var orders = new BufferedReader(new InputStreamReader(System.in))) {
      producer.partitionsFor(args[1]);
      System.out.println("ready");
      for (String line = orders.readLine(); line != null; line = orders.readLine()) {
        String[] order = line.split(" ");
        System.out.println(publish(producer, args[1], templates, sent, times, order));
      }
    }
  }

  private static String publish(KafkaProducer<byte[], byte[]> producer, String topic, byte[][] templates, int[] sent,
      DataOutputStream times, String[] order) throws Exception {
    long events = Long.parseLong(order[0]);
    double perSecond = Double.parseDouble(order[1]);
    int from = Integer.parseInt(order[2]);
    int tenants = Integer.parseInt(order[3]) - from;
    AtomicLong acknowledged = new AtomicLong();
    AtomicLong refused = new AtomicLong();
    long beganAt = System.nanoTime();
    for (long done = 0; done < events;) {
      long due = perSecond == 0 ? events : Math.min(events, (long) ((System.nanoTime() - beganAt) / 1e9 * perSecond) + 1);
      for (; done < due; done++) {
        int tenant = from + (int) (done % tenants);
        int n = ++sent[tenant];
        byte[] value = templates[(tenant * 31 + n) % templates.length].clone();
        write(value, ID_FROM, tenant, 8);
        System.arraycopy(ID_MIDDLE, 0, value, ID_FROM + 8, ID_MIDDLE.length);
        write(value, ID_FROM + 24, n, 12);
        byte[] key = keys[tenant];
        System.arraycopy(key, 0, value, TENANT_FROM, key.length);
        writeTime(value, System.currentTimeMillis() * 1000);
        producer.send(new ProducerRecord<>(topic, key, value), (metadata, error) -> {
          Instant now = Instant.now();
          (error == null ? acknowledged : refused).incrementAndGet();
          // One thread of the producer runs all callbacks.
          note(times, tenant, n, now.getEpochSecond() * 1e3 + now.getNano() / 1e6);
        });
      }
      if (done < events) Thread.sleep(1);
    }
    producer.flush();
    times.flush();
    return acknowledged + " " + refused;
  }

  private static void note(DataOutputStream times, int tenant, int n, double ms) {
    try {
      times.writeInt(tenant);
      times.writeInt(n);
      times.writeDouble(ms);
    } catch (java.io.IOException error) {
      throw new java.io.UncheckedIOException(error);
    }
  }

  /** An event says that it occurred when it is published. */
  private static void writeTime(byte[] value, long micros) {
    if (value[OCCURRED_FROM - 1] != 2 || value[OCCURRED_FROM + OCCURRED_BYTES - 1] < 0) throw new IllegalStateException("an event is built otherwise");
    long rest = micros << 1;
    for (int i = 0; i < OCCURRED_BYTES; i++, rest >>>= 7) value[OCCURRED_FROM + i] = (byte) (rest & 0x7f | (i < OCCURRED_BYTES - 1 ? 0x80 : 0));
  }

  private static void write(byte[] value, int at, long number, int digits) {
    for (int i = digits - 1; i >= 0; i--, number >>>= 4) value[at + i] = (byte) HEX[(int) (number & 15)];
  }
}
