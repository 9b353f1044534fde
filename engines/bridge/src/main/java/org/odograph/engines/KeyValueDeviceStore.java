package org.odograph.engines;

/** Devices in a store of keys and values: `h/DEVICE` and `p/DEVICE/NUMBER`. */
public abstract class KeyValueDeviceStore implements DeviceStore {
  protected abstract byte[] get(String key);

  protected abstract void put(String key, byte[] value);

  protected abstract void delete(String key);

  @Override
  public byte[] head(String device) {
    byte[] head = get("h/" + device);
    return head == null ? new byte[0] : head;
  }

  @Override
  public void putHead(String device, byte[] head) {
    put("h/" + device, head);
  }

  @Override
  public byte[] piece(String device, int number) {
    return get(pieceKey(device, number));
  }

  @Override
  public void putPiece(String device, int number, byte[] bytes) {
    put(pieceKey(device, number), bytes);
  }

  @Override
  public void deletePiece(String device, int number) {
    delete(pieceKey(device, number));
  }

  private static String pieceKey(String device, int number) {
    return "p/" + device + "/" + number;
  }
}
