package org.odograph.engines.kafkastreams;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.odograph.engines.Core;
import org.odograph.engines.DeviceFolder;
import org.odograph.engines.EngineRecord;
import org.odograph.engines.KeyValueDeviceStore;

/**
 * Gathers records and folds them twice a second, or when many are there: waking a device costs more
 * than an event. A commit may come at any time, so records that wait are in a store, not in a field.
 */
final class FoldProcessor implements Processor<String, byte[], String, String> {
  static final String DEVICES = "devices";
  static final String WAITING = "waiting";

  private static final Duration FOLD_EVERY = Duration.ofMillis(500);
  private static final int FOLD_AT = 5_000;
  private static final double TELL_OPEN_EVERY_MS = 10_000;

  private final Core core;
  private ProcessorContext<String, String> context;
  private KeyValueStore<String, byte[]> devices;
  private KeyValueStore<Long, byte[]> waiting;
  /** Devices whose open trip may have changed since it was written. */
  private final Set<String> stale = new LinkedHashSet<>();
  private long nextNumber;
  private int count;

  FoldProcessor(Core core) {
    this.core = core;
  }

  @Override
  public void init(ProcessorContext<String, String> context) {
    this.context = context;
    devices = context.getStateStore(DEVICES);
    waiting = context.getStateStore(WAITING);
    try (KeyValueIterator<Long, byte[]> left = waiting.all()) {
      while (left.hasNext()) {
        nextNumber = left.next().key + 1;
        count++;
      }
    }
    try (KeyValueIterator<String, byte[]> heads = devices.range("h/", "h0")) {
      while (heads.hasNext()) {
        stale.add(heads.next().key.substring(2));
      }
    }
    context.schedule(FOLD_EVERY, PunctuationType.WALL_CLOCK_TIME, now -> foldWaiting());
  }

  @Override
  public void process(Record<String, byte[]> record) {
    RecordMetadata place = context.recordMetadata().orElseThrow();
    Header contentType = record.headers().lastHeader("content-type");
    String type = contentType == null ? "" : new String(contentType.value(), StandardCharsets.UTF_8);
    String source = place.topic() + "/" + place.partition() + "/" + place.offset();
    byte[] packed = new EngineRecord(source, type, record.timestamp(), record.value()).pack();
    waiting.put(nextNumber++, withKey(record.key() == null ? "" : record.key(), packed));
    if (++count >= FOLD_AT) {
      foldWaiting();
    }
  }

  @Override
  public void close() {
    core.close();
  }

  private void foldWaiting() {
    if (count == 0) {
      tellOpenTrips();
      return;
    }
    Map<String, List<EngineRecord>> records = new LinkedHashMap<>();
    List<Long> numbers = new ArrayList<>();
    try (KeyValueIterator<Long, byte[]> all = waiting.all()) {
      while (all.hasNext()) {
        var entry = all.next();
        numbers.add(entry.key);
        int length = entry.value[0] & 0xff;
        String device = new String(entry.value, 1, length, StandardCharsets.UTF_8);
        byte[] packed = java.util.Arrays.copyOfRange(entry.value, 1 + length, entry.value.length);
        records.computeIfAbsent(device, id -> new ArrayList<>()).add(EngineRecord.unpack(packed));
      }
    }
    fold(records, TELL_OPEN_EVERY_MS);
    stale.addAll(records.keySet());
    numbers.forEach(waiting::delete);
    count = 0;
  }

  /** While no records come, open trips are written as they are now. */
  private void tellOpenTrips() {
    if (stale.isEmpty()) {
      return;
    }
    Map<String, List<EngineRecord>> none = new LinkedHashMap<>();
    stale.forEach(device -> none.put(device, List.of()));
    stale.clear();
    fold(none, 0);
  }

  private void fold(Map<String, List<EngineRecord>> records, double tellOpenEveryMs) {
    new DeviceFolder(core)
        .fold(
            records,
            tellOpenEveryMs,
            new StateStore(),
            fact -> context.forward(new Record<>(fact.key(), fact.json(), context.currentStreamTimeMs())));
  }

  /** A key's UTF-8 is at most 255 bytes here: longer ones are no device ids and keep their first bytes. */
  private static byte[] withKey(String key, byte[] packed) {
    byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, 255);
    byte[] joined = new byte[1 + length + packed.length];
    joined[0] = (byte) length;
    System.arraycopy(bytes, 0, joined, 1, length);
    System.arraycopy(packed, 0, joined, 1 + length, packed.length);
    return joined;
  }

  private final class StateStore extends KeyValueDeviceStore {
    @Override
    protected byte[] get(String key) {
      return devices.get(key);
    }

    @Override
    protected void put(String key, byte[] value) {
      devices.put(key, value);
    }

    @Override
    protected void delete(String key) {
      devices.delete(key);
    }
  }
}
