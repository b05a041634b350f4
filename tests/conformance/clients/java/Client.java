import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's Java clients: the contract of tests/conformance/README.md, a request a line on stdin, an answer a line on stdout. */
public final class Client {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String address;
  private final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  private Admin admin;

  private Client(String address) {
    this.address = address;
  }

  public static void main(String[] arguments) throws Exception {
    new Client(arguments[0]).serve();
    System.exit(0);
  }

  private void serve() throws IOException {
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode request = JSON.readTree(line);
      ObjectNode answer = JSON.createObjectNode();
      try {
        answer.set("ok", handle(request));
      } catch (Exception thrown) {
        answer.set("error", describe(thrown));
      }
      emit(answer);
    }
  }

  private JsonNode handle(JsonNode request) throws Exception {
    String topic = request.path("topic").asText();
    String group = request.path("group").asText();
    switch (request.get("do").asText()) {
      case "hello": return JSON.createObjectNode().put("client", "kafka-clients " + version());
      case "produce": return produce(request);
      case "consume": return consume(request);
      case "member": return member(request);
      case "create_topic": return createTopic(request);
      case "describe_topic": return JSON.createObjectNode().put("partitions", partitions(topic));
      case "list_topics": return named("topics", admin().listTopics().names().get());
      case "delete_topic": return done(admin().deleteTopics(List.of(topic)).all());
      case "create_partitions":
        return done(admin().createPartitions(Map.of(topic, NewPartitions.increaseTo(request.get("total").asInt()))).all());
      case "describe_config": return describeConfig(topic);
      case "alter_config": return alterConfig(request);
      case "delete_records": {
        RecordsToDelete before = RecordsToDelete.beforeOffset(request.get("before").asLong());
        return done(admin().deleteRecords(Map.of(partition(request), before)).all());
      }
      case "offset_at": return offsetAt(request);
      case "list_groups":
        return named("groups", admin().listGroups().all().get().stream().map(one -> one.groupId()).collect(Collectors.toList()));
      case "describe_group": return describeGroup(group);
      case "committed": return committed(group, topic);
      case "alter_offsets": return alterOffsets(request);
      case "delete_offsets": {
        Set<TopicPartition> places = list(request.get("partitions")).stream()
            .map(one -> new TopicPartition(topic, one.asInt())).collect(Collectors.toSet());
        return done(admin().deleteConsumerGroupOffsets(group, places).all());
      }
      case "delete_group": return done(admin().deleteConsumerGroups(List.of(group)).all());
      default: throw new IllegalArgumentException("no function for " + request.get("do"));
    }
  }

  /** What the jar says of itself. */
  private static String version() throws IOException {
    Properties told = new Properties();
    try (InputStream in = Client.class.getResourceAsStream("/kafka/kafka-version.properties")) {
      told.load(in);
    }
    return told.getProperty("version");
  }

  // What is read and written.

  private static void emit(JsonNode line) {
    System.out.println(line);
  }

  private static byte[] bytes(JsonNode text) {
    return text.isNull() ? null : Base64.getDecoder().decode(text.asText());
  }

  private static String text(byte[] bytes) {
    return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
  }

  private static List<JsonNode> list(JsonNode array) {
    List<JsonNode> found = new ArrayList<>();
    array.forEach(found::add);
    return found;
  }

  private static ObjectNode named(String name, Collection<String> texts) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode array = answer.putArray(name);
    texts.forEach(array::add);
    return answer;
  }

  private static JsonNode done(Future<?> future) throws Exception {
    future.get();
    return null;
  }

  /** Kafka's number of an error, and its text. */
  private static ObjectNode describe(Throwable thrown) {
    Throwable error = thrown instanceof ExecutionException && thrown.getCause() != null ? thrown.getCause() : thrown;
    int code = code(error);
    ObjectNode answer = JSON.createObjectNode();
    if (code == Errors.UNKNOWN_SERVER_ERROR.code()) {
      answer.putNull("code");
    } else {
      answer.put("code", code);
    }
    return answer.put("text", error.toString());
  }

  private static int code(Throwable error) {
    if (error instanceof InvalidOffsetException) {
      return Errors.OFFSET_OUT_OF_RANGE.code();
    }
    boolean unknownTopic = error instanceof TimeoutException && error.getMessage().contains("not present in metadata");
    return (unknownTopic ? Errors.UNKNOWN_TOPIC_OR_PARTITION : Errors.forException(error)).code();
  }

  private static ObjectNode take(ConsumerRecord<byte[], byte[]> record) {
    ObjectNode one = JSON.createObjectNode();
    one.put("partition", record.partition()).put("offset", record.offset());
    one.put("key", text(record.key())).put("value", text(record.value()));
    ArrayNode headers = one.putArray("headers");
    for (Header header : record.headers()) {
      headers.addArray().add(header.key()).add(text(header.value()));
    }
    return one.put("timestamp", record.timestamp()).put("append_time", record.timestampType() == TimestampType.LOG_APPEND_TIME);
  }

  private static ArrayNode pairs(Collection<TopicPartition> partitions) {
    ArrayNode array = JSON.createArrayNode();
    partitions.forEach(one -> array.addArray().add(one.topic()).add(one.partition()));
    return array;
  }

  private static TopicPartition partition(JsonNode request) {
    return new TopicPartition(request.get("topic").asText(), request.get("partition").asInt());
  }

  // Producer and consumer.

  private Properties settings() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", address);
    settings.put("metadata.max.age.ms", "1000");
    return settings;
  }

  private JsonNode produce(JsonNode request) throws Exception {
    Properties settings = settings();
    settings.put("compression.type", request.get("codec").asText());
    settings.put("acks", request.get("acks").asText());
    settings.put("enable.idempotence", request.get("idempotent").asText());
    settings.put("linger.ms", "20");
    settings.put("max.block.ms", "5000");
    settings.put("max.request.size", request.get("max_bytes").asText().replace("null", "2000000"));
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode offsets = answer.putArray("offsets");
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (JsonNode one : request.get("records")) {
        sent.add(producer.send(toRecord(request.get("topic").asText(), one)));
      }
      for (Future<RecordMetadata> future : sent) {
        offsets.add(future.get().offset());
      }
    }
    return request.get("acks").asText().equals("0") ? JSON.createObjectNode().putNull("offsets") : answer;
  }

  private static ProducerRecord<byte[], byte[]> toRecord(String topic, JsonNode one) {
    Integer partition = one.get("partition").isNull() ? null : one.get("partition").asInt();
    Long timestamp = one.get("timestamp").isNull() ? null : one.get("timestamp").asLong();
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, partition, timestamp, bytes(one.get("key")), bytes(one.get("value")));
    one.get("headers").forEach(header -> record.headers().add(header.get(0).asText(), bytes(header.get(1))));
    return record;
  }

  private KafkaConsumer<byte[], byte[]> consumer(Properties more) {
    Properties settings = settings();
    settings.put("enable.auto.commit", "false");
    settings.put("allow.auto.create.topics", "false");
    settings.putAll(more);
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private JsonNode consume(JsonNode request) throws Exception {
    Properties more = new Properties();
    more.put("auto.offset.reset", request.get("reset").asText().replace("error", "none"));
    TopicPartition here = partition(request);
    partitions(here.topic());  // An assigned topic that is not there is waited for in silence.
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode records = answer.putArray("records");
    int count = request.get("count").asInt();
    long deadline = System.nanoTime() + Duration.ofSeconds(request.get("seconds").asLong()).toNanos();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(more)) {
      consumer.assign(List.of(here));
      seek(consumer, here, request.get("start"));
      while (records.size() < count && System.nanoTime() < deadline) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          if (records.size() < count) {
            records.add(take(record));
          }
        }
      }
    }
    if (records.size() < count) {
      throw new IllegalStateException("only " + records.size() + " of " + count + " records");
    }
    return answer;
  }

  private static void seek(KafkaConsumer<byte[], byte[]> consumer, TopicPartition here, JsonNode start) {
    if (start.isObject()) {
      consumer.seek(here, consumer.offsetsForTimes(Map.of(here, start.get("time").asLong())).get(here).offset());
    } else if (start.isNumber()) {
      consumer.seek(here, start.asLong());
    } else if (start.asText().equals("earliest")) {
      consumer.seekToBeginning(List.of(here));
    } else {
      consumer.seekToEnd(List.of(here));
    }
  }

  private JsonNode member(JsonNode request) throws Exception {
    boolean classic = request.get("protocol").asText().equals("classic");
    Properties more = new Properties();
    more.put("group.id", request.get("group").asText());
    more.put("auto.offset.reset", request.get("reset").asText());
    more.put("group.protocol", request.get("protocol").asText());
    if (!request.get("instance").isNull()) {
      more.put("group.instance.id", request.get("instance").asText());
    }
    if (classic) {
      String assignor = request.get("assignor").asText().equals("range") ? "RangeAssignor" : "CooperativeStickyAssignor";
      more.put("session.timeout.ms", request.get("session_ms").asText());
      more.put("heartbeat.interval.ms", request.get("heartbeat_ms").asText());
      more.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor);
    }
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(more)) {
      subscribe(consumer, request, classic);
      while (!in.ready()) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          ObjectNode event = JSON.createObjectNode().put("event", "records").put("topic", record.topic());
          event.putArray("records").add(take(record));
          emit(event);
          TopicPartition here = new TopicPartition(record.topic(), record.partition());
          consumer.commitSync(Map.of(here, new OffsetAndMetadata(record.offset() + 1)));
        }
      }
    }
    System.exit(0);
    return null;
  }

  private static void subscribe(KafkaConsumer<byte[], byte[]> consumer, JsonNode request, boolean classic) {
    if (request.get("pattern").isNull()) {
      consumer.subscribe(list(request.get("topics")).stream().map(JsonNode::asText).collect(Collectors.toList()), new Teller());
    } else if (classic) {
      consumer.subscribe(Pattern.compile(request.get("pattern").asText()), new Teller());
    } else {
      consumer.subscribe(new SubscriptionPattern(request.get("pattern").asText()), new Teller());
    }
  }

  private static final class Teller implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      tell("assigned", partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      tell("revoked", partitions);
    }

    private static void tell(String what, Collection<TopicPartition> partitions) {
      ObjectNode event = JSON.createObjectNode().put("event", what);
      event.set("partitions", pairs(partitions));
      emit(event);
    }
  }

  // Administration.

  private Admin admin() {
    if (admin == null) {
      admin = Admin.create(settings());
    }
    return admin;
  }

  private JsonNode createTopic(JsonNode request) throws Exception {
    Map<String, String> configs = new HashMap<>();
    request.get("configs").properties().forEach(one -> configs.put(one.getKey(), one.getValue().asText()));
    NewTopic topic = new NewTopic(request.get("topic").asText(), request.get("partitions").asInt(), (short) 1);
    return done(admin().createTopics(List.of(topic.configs(configs))).all());
  }

  private int partitions(String topic) throws Exception {
    return admin().describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
  }

  private JsonNode describeConfig(String topic) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    Config found = admin().describeConfigs(List.of(resource)).all().get().get(resource);
    ObjectNode configs = JSON.createObjectNode();
    for (ConfigEntry entry : found.entries()) {
      configs.putObject(entry.name()).put("value", entry.value()).put("default", entry.isDefault());
    }
    return JSON.createObjectNode().set("configs", configs);
  }

  private JsonNode alterConfig(JsonNode request) throws Exception {
    List<AlterConfigOp> changes = new ArrayList<>();
    request.get("set").properties().forEach(one ->
        changes.add(new AlterConfigOp(new ConfigEntry(one.getKey(), one.getValue().asText()), AlterConfigOp.OpType.SET)));
    request.get("unset").forEach(one ->
        changes.add(new AlterConfigOp(new ConfigEntry(one.asText(), null), AlterConfigOp.OpType.DELETE)));
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, request.get("topic").asText());
    return done(admin().incrementalAlterConfigs(Map.of(resource, changes)).all());
  }

  private JsonNode offsetAt(JsonNode request) throws Exception {
    JsonNode at = request.get("at");
    OffsetSpec what = at.isNumber() ? OffsetSpec.forTimestamp(at.asLong())
        : at.asText().equals("earliest") ? OffsetSpec.earliest() : OffsetSpec.latest();
    TopicPartition here = partition(request);
    return JSON.createObjectNode().put("offset", admin().listOffsets(Map.of(here, what)).all().get().get(here).offset());
  }

  private JsonNode describeGroup(String group) throws Exception {
    ConsumerGroupDescription found = admin().describeConsumerGroups(List.of(group)).all().get().get(group);
    ObjectNode answer = JSON.createObjectNode().put("state", found.groupState().name().toLowerCase(Locale.ROOT));
    ArrayNode members = answer.putArray("members");
    for (MemberDescription member : found.members()) {
      members.add(pairs(member.assignment().topicPartitions()));
    }
    return answer;
  }

  private JsonNode committed(String group, String topic) throws Exception {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode offsets = answer.putArray("offsets");
    admin().listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().forEach((here, place) -> {
      if (here.topic().equals(topic) && place != null) {
        offsets.addArray().add(topic).add(here.partition()).add(place.offset());
      }
    });
    return answer;
  }

  private JsonNode alterOffsets(JsonNode request) throws Exception {
    Map<TopicPartition, OffsetAndMetadata> places = new HashMap<>();
    request.get("offsets").forEach(one -> places.put(new TopicPartition(one.get(0).asText(), one.get(1).asInt()),
        new OffsetAndMetadata(one.get(2).asLong())));
    return done(admin().alterConsumerGroupOffsets(request.get("group").asText(), places).all());
  }
}
