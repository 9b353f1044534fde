package org.odograph.engines;

/**
 * What an engine keeps of a device: its head, and its log in numbered pieces. Changes must become
 * durable together with the facts of the same call, or before the records count as read.
 */
public interface DeviceStore {
  /** As it was put last; empty for a new device. */
  byte[] head(String device);

  void putHead(String device, byte[] head);

  byte[] piece(String device, int number);

  void putPiece(String device, int number, byte[] bytes);

  void deletePiece(String device, int number);

  /** Appends to a piece, which may not exist yet. Stores that can append without reading override it. */
  default void appendPiece(String device, int number, byte[] bytes) {
    byte[] before = piece(device, number);
    if (before == null) {
      putPiece(device, number, bytes);
      return;
    }
    byte[] joined = java.util.Arrays.copyOf(before, before.length + bytes.length);
    System.arraycopy(bytes, 0, joined, before.length, bytes.length);
    putPiece(device, number, joined);
  }
}
