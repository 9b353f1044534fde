package org.odograph.engines.kafkastreams;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.apache.kafka.streams.state.Stores;
import org.odograph.engines.NodeCore;

/**
 * The topic of messages to the compacted topic of facts by Kafka Streams, exactly once: state, facts
 * and offsets are committed in one transaction.
 *
 * <p>Arguments: brokers, topic of messages, topic of facts, application id, path of the core's main
 * file, folder of the local state, and optionally the core's configuration as JSON.
 */
public final class KafkaStreamsTrips {
  private KafkaStreamsTrips() {}

  public static void main(String[] args) {
    if (args.length < 6 || args.length > 7) {
      System.err.println(
          "usage: KafkaStreamsTrips BROKERS TOPIC FACTS_TOPIC APPLICATION_ID CORE STATE_DIR [CONFIGURATION]");
      System.exit(2);
    }
    String configuration = args.length == 7 ? args[6] : "";
    Topology topology = topology(args[1], args[2], args[4], configuration);
    KafkaStreams streams = new KafkaStreams(topology, properties(args[0], args[3], args[5]));
    streams.setUncaughtExceptionHandler(
        error -> {
          System.err.println("kafka-streams: " + error);
          return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
              .StreamThreadExceptionResponse.REPLACE_THREAD;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
    streams.start();
    System.out.println("kafka-streams: folding " + args[1] + " into " + args[2]);
  }

  static Topology topology(String messages, String facts, String core, String configuration) {
    StreamPartitioner<String, String> byDevice =
        (topic, key, value, partitions) -> Optional.of(Set.of(partitionOf(key, partitions)));
    return new Topology()
        .addSource("messages", new StringDeserializer(), new ByteArrayDeserializer(), messages)
        .addProcessor("fold", () -> new FoldProcessor(new NodeCore(core, configuration)), "messages")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(FoldProcessor.DEVICES), Serdes.String(), Serdes.ByteArray()),
            "fold")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(FoldProcessor.WAITING), Serdes.Long(), Serdes.ByteArray()),
            "fold")
        .addSink("facts", facts, new StringSerializer(), new StringSerializer(), byDevice, "fold");
  }

  private static int partitionOf(String factKey, int partitions) {
    String device = new org.odograph.engines.Fact(factKey, null).device();
    byte[] bytes = device.getBytes(StandardCharsets.UTF_8);
    return Utils.toPositive(Utils.murmur2(bytes)) % partitions;
  }

  private static Properties properties(String brokers, String applicationId, String stateDir) {
    Properties properties = new Properties();
    properties.putAll(
        Map.of(
            StreamsConfig.APPLICATION_ID_CONFIG, applicationId,
            StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
            StreamsConfig.STATE_DIR_CONFIG, stateDir,
            StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2,
            StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "1000",
            StreamsConfig.NUM_STREAM_THREADS_CONFIG, "2",
            StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest",
            StreamsConfig.producerPrefix("transaction.timeout.ms"), "60000"));
    return properties;
  }
}
