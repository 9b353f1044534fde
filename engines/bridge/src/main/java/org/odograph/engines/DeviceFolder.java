package org.odograph.engines;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Folds gathered records of many devices by one call of the core, stores what it says and hands on the
 * facts. Where late records need pieces of a log, the core is asked again with them.
 */
public final class DeviceFolder {
  /** Version of the frames; raised with their layout in src/engine/protocol.ts. */
  private static final int VERSION = 1;

  private final Core core;

  public DeviceFolder(Core core) {
    this.core = core;
  }

  /**
   * @param records by the records' key, each list in any order, possibly empty
   * @param tellOpenEveryMs an open trip is written again after so much time of events; 0: now
   */
  public void fold(
      Map<String, List<EngineRecord>> records,
      double tellOpenEveryMs,
      DeviceStore store,
      Consumer<Fact> facts) {
    List<Asked> asked = new ArrayList<>();
    records.forEach((device, list) -> asked.add(new Asked(device, new int[0], list)));
    while (!asked.isEmpty()) {
      ByteBuffer response = ByteBuffer.wrap(core.fold(encode(asked, tellOpenEveryMs, store)));
      int version = response.get();
      if (version != VERSION) {
        throw new CoreException("the core answers in version " + version + " of the frames, not " + VERSION, null);
      }
      response.getInt();
      List<Asked> again = new ArrayList<>();
      for (Asked device : asked) {
        if (response.get() == 0) {
          again.add(new Asked(device.id, takeNumbers(response), device.records));
        } else {
          take(response, device.id, store, facts);
        }
      }
      asked.clear();
      asked.addAll(again);
    }
  }

  private record Asked(String id, int[] pieces, List<EngineRecord> records) {}

  private static byte[] encode(List<Asked> devices, double tellOpenEveryMs, DeviceStore store) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      out.writeDouble(tellOpenEveryMs);
      out.writeInt(devices.size());
      for (Asked device : devices) {
        writeText(out, device.id);
        writeBytes(out, store.head(device.id));
        out.writeInt(device.pieces.length);
        for (int number : device.pieces) {
          out.writeInt(number);
          writeBytes(out, store.piece(device.id, number));
        }
        out.writeInt(device.records.size());
        for (EngineRecord record : device.records) {
          writeText(out, record.source());
          writeText(out, record.contentType());
          out.writeDouble(record.timestampMs());
          out.writeByte(record.value() == null ? 0 : 1);
          if (record.value() != null) {
            writeBytes(out, record.value());
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void take(ByteBuffer response, String device, DeviceStore store, Consumer<Fact> facts) {
    byte[] head = takeBytes(response);
    for (int left = response.getInt(); left > 0; left--) {
      int type = response.get();
      int number = response.getInt();
      switch (type) {
        case 0 -> store.appendPiece(device, number, takeBytes(response));
        case 1 -> store.putPiece(device, number, takeBytes(response));
        default -> store.deletePiece(device, number);
      }
    }
    if (head.length > 0) {
      store.putHead(device, head);
    }
    for (int left = response.getInt(); left > 0; left--) {
      String key = takeText(response);
      facts.accept(new Fact(key, response.get() == 1 ? takeText(response) : null));
    }
  }

  private static int[] takeNumbers(ByteBuffer buffer) {
    int[] numbers = new int[buffer.getInt()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = buffer.getInt();
    }
    return numbers;
  }

  private static byte[] takeBytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.getInt()];
    buffer.get(bytes);
    return bytes;
  }

  private static String takeText(ByteBuffer buffer) {
    return new String(takeBytes(buffer), StandardCharsets.UTF_8);
  }

  private static void writeBytes(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static void writeText(DataOutputStream out, String text) throws IOException {
    writeBytes(out, text.getBytes(StandardCharsets.UTF_8));
  }
}
