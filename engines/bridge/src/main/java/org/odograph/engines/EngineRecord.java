package org.odograph.engines;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A record of the topic as the core reads it.
 *
 * @param source topic/partition/offset, which names the record's dead letter
 * @param contentType the header's value, empty where there is none
 * @param timestampMs the record's own timestamp, epoch milliseconds
 * @param value null for a tombstone
 */
public record EngineRecord(String source, String contentType, long timestampMs, byte[] value)
    implements Serializable {

  /** As bytes, for an engine that keeps records until it folds them. */
  public byte[] pack() {
    byte[] place = source.getBytes(StandardCharsets.UTF_8);
    byte[] type = contentType.getBytes(StandardCharsets.UTF_8);
    int length = value == null ? 0 : value.length;
    return ByteBuffer.allocate(4 + place.length + 4 + type.length + 8 + 1 + length)
        .putInt(place.length)
        .put(place)
        .putInt(type.length)
        .put(type)
        .putLong(timestampMs)
        .put((byte) (value == null ? 0 : 1))
        .put(value == null ? new byte[0] : value)
        .array();
  }

  public static EngineRecord unpack(byte[] packed) {
    ByteBuffer buffer = ByteBuffer.wrap(packed);
    String source = takeText(buffer);
    String contentType = takeText(buffer);
    long timestampMs = buffer.getLong();
    boolean hasValue = buffer.get() == 1;
    byte[] value = new byte[buffer.remaining()];
    buffer.get(value);
    return new EngineRecord(source, contentType, timestampMs, hasValue ? value : null);
  }

  private static String takeText(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.getInt()];
    buffer.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
